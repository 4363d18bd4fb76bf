//! The trailer keys this project writes and reads.

/// The application that was delivered.
pub const APP: &str = "Narae-App";
/// The environment it was delivered to: `dev`, `rc`, `prod`.
pub const ENVIRONMENT: &str = "Narae-Environment";
/// The site: `idc`, `aws`.
pub const SITE: &str = "Narae-Site";
/// The image reference that runs afterwards.
pub const IMAGE: &str = "Narae-Image";
/// The commit of the application's own repository that the image was built from.
pub const SOURCE_COMMIT: &str = "Source-Commit";
