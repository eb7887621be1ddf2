//! Reading the context: preferences and what was said before.

use serde::de::DeserializeOwned;

use crate::types::{Context, Message, Role};

impl Context {
    /// A preference of the user. None where there is none or it has another shape.
    pub fn preference<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let (_, value) = self.preferences.iter().find(|(known, _)| known == key)?;
        serde_json::from_str(value).ok()
    }

    /// The last message of the assistant in this session.
    pub fn last_answer(&self) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.role == Role::Assistant)
    }

    /// The data of the newest answer of this skill that carries data of the shape `T`, to go on from it.
    pub fn last_data<T: DeserializeOwned>(&self, skill: &str) -> Option<T> {
        self.messages
            .iter()
            .rev()
            .filter(|message| message.role == Role::Assistant && message.skill.as_deref() == Some(skill))
            .find_map(|message| serde_json::from_str(message.data.as_deref()?).ok())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing;
    use serde_json::json;

    #[test]
    fn the_newest_fitting_data_of_the_skill_is_found() {
        let context = testing::context()
            .with_answer("social-media", "first", json!({"key": "a"}))
            .with_answer("social-media", "second", json!({"key": "b"}))
            .with_answer("social-media", "no key", json!({"other": 1}))
            .with_answer("analytics", "else", json!({"key": "c"}));
        #[derive(serde::Deserialize)]
        struct Data {
            key: String,
        }
        assert_eq!(context.last_data::<Data>("social-media").unwrap().key, "b");
        assert_eq!(context.last_answer().unwrap().content, "else");
    }

    #[test]
    fn preferences_are_read_typed() {
        let context = testing::context().with_preference("tone", json!("dry"));
        assert_eq!(context.preference::<String>("tone").as_deref(), Some("dry"));
        assert_eq!(context.preference::<u8>("tone"), None);
    }
}
