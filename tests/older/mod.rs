//! The schema step by step, as its files tell, to make the database of an older bridge.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

/// All steps for a kind of database: `sqlite` or `postgres`.
pub fn steps(kind: &str) -> Vec<Migration> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let step = |file: PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let (version, name) = name.split_once('_').unwrap();
        let sql = AssertSqlSafe(std::fs::read_to_string(&file).unwrap()).into_sql_str();
        let name = Cow::Owned(name.replace('_', " "));
        Migration::new(version.parse().unwrap(), name, MigrationType::Simple, sql, false)
    };
    files.into_iter().map(step).collect()
}

/// What brings an empty database so far.
pub fn first(count: usize, kind: &str) -> Migrator {
    Migrator::with_migrations(steps(kind)[..count].to_vec())
}
