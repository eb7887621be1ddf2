//! The files and folders that belong to the host, as the settings name them: what no skill's package takes
//! along, wherever they stand and whatever they are called.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::issuers;
use crate::settings::Settings;

impl Settings {
    /// Every file and folder that the settings name, that of the settings among them. They need not be there.
    ///
    /// # Errors
    /// The issuers file cannot be read, so it is not known which files with secrets it names.
    pub fn own_files(&self) -> Result<Vec<PathBuf>, Failure> {
        let named = [
            &self.data_dir.value,
            &self.cache_dir.value,
            &self.secrets_key_file.value,
            &self.database_password_file.value,
            &self.llm_key_file.value,
            &self.embeddings_key_file.value,
            &self.search_key_file.value,
            &self.issuers_file.value,
            &self.http_ca_file.value,
        ];
        let mut files: Vec<PathBuf> = named.into_iter().chain(&self.config).cloned().collect();
        if let Some(database) = self.database_url.value.strip_prefix("sqlite:") {
            let database = database.strip_prefix("//").unwrap_or(database);
            // What SQLite writes beside it.
            files.extend(["", "-wal", "-shm", "-journal"].map(|end| PathBuf::from(format!("{database}{end}"))));
        }
        files.extend(issuers::secret_files(self)?);
        files.retain(|file| !file.as_os_str().is_empty());
        Ok(files)
    }
}
