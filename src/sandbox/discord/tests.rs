//! The sandbox spoken to as serenity speaks to Discord.
