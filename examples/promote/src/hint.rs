//! What to try when a rule says no: the library's errors know the rule, this program's flags are known here.

use narae_gitops::promote::PromoteError;

/// Behind the error's own words; `None` when those say it.
pub(crate) fn hint(error: &anyhow::Error) -> Option<&'static str> {
    const FURTHER: &str = "--depth with more commits; or a clone that is not shallow";
    Some(match error.downcast_ref()? {
        PromoteError::Gate {
            horizon: Some(_), ..
        }
        | PromoteError::NothingToRollBack {
            horizon: Some(_), ..
        }
        | PromoteError::NotADelivery {
            horizon: Some(_), ..
        } => FURTHER,
        PromoteError::Approval { .. } => "--approved-by with the name of whoever agreed",
        PromoteError::Gate { .. } => "`promote history APP`, which shows where it has been",
        PromoteError::NoImages { .. } => {
            "`images` in narae.yaml, beside or in the place of `values`"
        }
        PromoteError::Registries { .. } => "--site, or --keep-registries",
        PromoteError::Repositories { .. } => {
            "an application for each image in narae.yaml, or `promote move`"
        }
        PromoteError::RolledBack { .. } => "--again, to deliver it there once more",
        PromoteError::GoesBack { .. } => "`promote rollback`, or --again",
        PromoteError::Outdated { .. } => "`promote plan`",
        PromoteError::NothingToRollBack { .. } | PromoteError::NotADelivery { .. } => {
            "`promote history APP --env ENV`, which shows what there is"
        }
        _ => return None,
    })
}
