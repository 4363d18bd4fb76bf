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
/// The image reference that ran before.
pub const OLD: &str = "Narae-Old";
/// The environment whose values were taken over.
pub const FROM: &str = "Narae-From";
/// The commit whose edits were undone.
pub const REVERTS: &str = "Narae-Reverts";
/// Who agreed, where somebody has to.
pub const APPROVED_BY: &str = "Narae-Approved-By";
/// One scalar that was changed, as JSON: file, place, old, new.
pub const EDIT: &str = "Narae-Edit";
/// The pipeline run that asked for it.
pub const PIPELINE: &str = "Pipeline";
