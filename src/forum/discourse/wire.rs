//! What Discourse's API answers, as far as the bridge reads it. What only some versions or some rights show is
//! optional; what a post or a topic can't be without is not.
//! <https://docs.discourse.org/>

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct Topic {
    pub id: u64,
    pub title: String,
    pub post_stream: Stream,
    #[serde(default)]
    pub slug: String,
    pub category_id: Option<u64>,
    /// `private_message` for what is nobody else's business.
    pub archetype: Option<String>,
    #[serde(default)]
    pub closed: bool,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub pinned: bool,
    #[serde(default)]
    pub pinned_globally: bool,
    /// False for one that is in no list but staff's; whoever has its address can read it.
    pub visible: Option<bool>,
    pub deleted_at: Option<String>,
    #[serde(default)]
    pub posts_count: u64,
    pub highest_post_number: Option<u32>,
    /// How many posts a page has.
    pub chunk_size: Option<u32>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    #[serde(default)]
    pub suggested_topics: Vec<ListedTopic>,
    pub details: Option<Details>,
}

#[derive(Debug, Deserialize)]
pub struct Details {
    /// Left out where it is false.
    #[serde(default)]
    pub can_create_post: bool,
}

#[derive(Debug, Deserialize)]
pub struct Stream {
    pub posts: Vec<Post>,
    /// The ids of all posts that the viewer may see, in order. Left out of topics with many thousands of posts.
    pub stream: Option<Vec<u64>>,
}

/// A tag: its name, or since 2025 an object with it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Tag {
    Name(String),
    Object { name: String },
}

impl Tag {
    pub fn name(self) -> String {
        match self {
            Self::Name(name) | Self::Object { name } => name,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct Post {
    pub id: u64,
    pub post_number: u32,
    pub topic_id: u64,
    /// Of who has left nothing but the post remains.
    pub username: Option<String>,
    pub user_id: Option<i64>,
    pub avatar_template: Option<String>,
    pub user_title: Option<String>,
    pub created_at: Option<String>,
    pub updated_at: Option<String>,
    #[serde(default)]
    pub version: u32,
    #[serde(default)]
    pub cooked: String,
    /// What the author wrote; not among a topic's posts.
    pub raw: Option<String>,
    /// 1 what somebody wrote, 2 a moderator's remark, 3 a note that something was done, 4 a whisper among staff.
    #[serde(default)]
    pub post_type: u8,
    #[serde(default)]
    pub actions_summary: Vec<Action>,
    pub deleted_at: Option<String>,
    #[serde(default)]
    pub user_deleted: bool,
    /// Flagged by the community: only some still see it.
    #[serde(default)]
    pub hidden: bool,
    #[serde(default)]
    pub topic_slug: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Action {
    pub id: u8,
    #[serde(default)]
    pub count: u64,
    #[serde(default)]
    pub acted: bool,
    #[serde(default)]
    pub can_undo: bool,
    #[serde(default)]
    pub can_act: bool,
}

/// The kind of action that a like is.
pub const LIKE: u8 = 2;

impl Post {
    pub fn likes(&self) -> Option<&Action> {
        self.actions_summary.iter().find(|action| action.id == LIKE)
    }
}

#[derive(Debug, Deserialize)]
pub struct TopicList {
    pub topic_list: Topics,
    #[serde(default)]
    pub users: Vec<User>,
}

#[derive(Debug, Deserialize)]
pub struct Topics {
    pub topics: Vec<ListedTopic>,
    /// There where another page follows.
    pub more_topics_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct ListedTopic {
    pub id: u64,
    pub title: String,
    #[serde(default)]
    pub slug: String,
    pub category_id: Option<u64>,
    pub archetype: Option<String>,
    #[serde(default)]
    pub posts_count: u64,
    pub last_posted_at: Option<String>,
    pub created_at: Option<String>,
    pub last_poster_username: Option<String>,
    #[serde(default)]
    pub pinned: bool,
    #[serde(default)]
    pub pinned_globally: bool,
    /// False for one that is in no list but staff's.
    pub visible: Option<bool>,
    #[serde(default)]
    pub closed: bool,
    #[serde(default)]
    pub archived: bool,
    /// Who opened it comes first.
    #[serde(default)]
    pub posters: Vec<Poster>,
}

#[derive(Debug, Deserialize)]
pub struct Poster {
    pub user_id: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub struct User {
    pub id: i64,
    pub username: String,
}

#[derive(Debug, Deserialize)]
pub struct Categories {
    pub category_list: CategoryList,
}

#[derive(Debug, Deserialize)]
pub struct CategoryList {
    pub categories: Vec<Category>,
}

#[derive(Debug, Deserialize)]
pub struct Category {
    pub id: u64,
    pub name: String,
    #[serde(default)]
    pub slug: String,
    pub parent_category_id: Option<u64>,
    pub subcategory_list: Option<Vec<Category>>,
}

#[derive(Debug, Deserialize)]
pub struct Profile {
    pub user: Me,
}

/// A member as the viewer sees them.
#[derive(Debug, Deserialize)]
pub struct Me {
    pub id: i64,
    pub username: String,
    /// True of the viewer themself, and for staff of everybody.
    #[serde(default)]
    pub can_edit: bool,
    #[serde(default)]
    pub admin: bool,
    #[serde(default)]
    pub moderator: bool,
    pub trust_level: Option<u8>,
    pub name: Option<String>,
    pub title: Option<String>,
    pub avatar_template: Option<String>,
    pub created_at: Option<String>,
    pub last_seen_at: Option<String>,
    pub location: Option<String>,
    pub website_name: Option<String>,
    /// What members say of themselves, as HTML.
    pub bio_excerpt: Option<String>,
    /// Told to some only.
    pub post_count: Option<u64>,
}

/// `/u/NAME/summary.json`: what a member's page shows of what they did.
#[derive(Debug, Deserialize)]
pub struct Summary {
    pub user_summary: Deeds,
}

#[derive(Debug, Deserialize)]
pub struct Deeds {
    pub post_count: Option<u64>,
    pub topic_count: Option<u64>,
    pub likes_given: Option<u64>,
    pub likes_received: Option<u64>,
    pub days_visited: Option<u64>,
}

/// `/search.json`: posts, and apart from them the topics that they are in.
#[derive(Debug, Deserialize)]
pub struct Results {
    #[serde(default)]
    pub posts: Vec<Hit>,
    #[serde(default)]
    pub topics: Vec<ListedTopic>,
    pub grouped_search_result: Option<Grouped>,
}

#[derive(Debug, Deserialize)]
pub struct Hit {
    pub id: u64,
    pub topic_id: u64,
    pub post_number: u32,
    pub username: Option<String>,
    pub created_at: Option<String>,
    /// Words around what was found, as HTML.
    pub blurb: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Grouped {
    /// True where another page follows.
    pub more_full_page_results: Option<bool>,
    /// Why nothing was searched for, in the forum's language.
    pub error: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Likers {
    pub post_action_users: Vec<User>,
}

/// The answer to a new post: the post itself, or what became of it.
#[derive(Debug, Deserialize)]
pub struct Created {
    /// `enqueued` where a moderator has to look first.
    pub action: Option<String>,
    pub id: Option<u64>,
    pub topic_id: Option<u64>,
    pub post: Option<CreatedPost>,
}

#[derive(Debug, Deserialize)]
pub struct CreatedPost {
    pub id: u64,
    pub topic_id: u64,
}

/// What every refusal looks like.
#[derive(Debug, Default, Deserialize)]
pub struct Refused {
    #[serde(default)]
    pub errors: Vec<String>,
    pub extras: Option<Extras>,
}

#[derive(Debug, Deserialize)]
pub struct Extras {
    /// For how long to be patient.
    pub wait_seconds: Option<f64>,
}
