//! `router explain`: requests in, decisions out, one per line.

mod answer;
mod asked;

use std::io::{self, BufRead, Read as _, Write};
use std::time::{Duration, SystemTime};

use narae_routing::matching::{
    Arrival, Claims, Identity, Presented, Request, Table, normal_target,
};

use crate::arguments::{Client, Explain};
use crate::identity::{AccessError, Gatekeeper, Verified};
use crate::objects::{FileError, Files};
use crate::weighed::{self, Line};
use answer::Answer;
use asked::Asked;

/// The longest line read, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// Reads the files, then answers line by line; true if every line could be read.
pub(crate) fn run(explain: &Explain) -> Result<bool, ExplainError> {
    let files = Files::of(&explain.config)?;
    let (table, findings) = Table::compile(&files.objects);
    let notes = files.notes().into_iter();
    let mut complaints = io::stderr().lock();
    for line in notes.chain(findings.iter().map(ToString::to_string)) {
        writeln!(complaints, "router: {line}").map_err(ExplainError::Io)?;
    }
    if let Some(request) = &explain.request {
        let line = Line::parse(request, &explain.header)?;
        let verified = verified(explain, &files, &table, &line)?;
        let asked = line.request().presenting(verified.presented());
        let mut out = io::stdout().lock();
        return weighed::write(&files.objects, &table, &asked, &mut out);
    }
    answer(
        &table,
        explain.json,
        &mut io::stdin().lock(),
        &mut io::stdout().lock(),
    )
    .map_err(ExplainError::Io)
}

/// Who sends the request: whom `--as` says, or whoever its credentials are of.
fn verified(
    explain: &Explain,
    files: &Files,
    table: &Table,
    line: &Line<'_>,
) -> Result<Verified, ExplainError> {
    let authorization = line.authorization();
    if let Some(who) = &explain.client {
        if !authorization.is_empty() {
            return Err(ExplainError::Twice);
        }
        return Ok(Verified::Identity(who.identity()?));
    }
    if authorization.is_empty() {
        return Ok(Verified::Nothing);
    }
    let gatekeeper = Gatekeeper::new(files, &Gatekeeper::default())?;
    let policies = table.authenticators(&Arrival::ANYWHERE, &line.request());
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let verified = gatekeeper.verify(
        &policies,
        &authorization,
        Duration::ZERO,
        wall.unwrap_or_default(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let verified = runtime.map_err(ExplainError::Io)?.block_on(verified);
    let said = match &verified {
        Verified::Nothing => "no AccessPolicy there asks for such credentials".to_owned(),
        Verified::Identity(identity) => match identity.policy() {
            Some(policy) => format!("its credentials are valid, by AccessPolicy {policy}"),
            None => "its credentials are valid".to_owned(),
        },
        Verified::Invalid(_) => "its credentials are not valid".to_owned(),
        Verified::Unverifiable => "its credentials cannot be verified now".to_owned(),
    };
    crate::say(&said);
    Ok(verified)
}

impl Client {
    fn identity(&self) -> Result<Identity, ExplainError> {
        let file = match self {
            Self::User(user) => return Ok(Identity::of_user(user)),
            Self::Claims(file) => file,
        };
        let text = std::fs::read_to_string(file);
        let wrong = |cause: String| ExplainError::Claims {
            file: file.display().to_string(),
            cause,
        };
        let text = text.map_err(|error| wrong(error.to_string()))?;
        let claims = serde_json::from_str::<Claims>(&text);
        let claims = claims.map_err(|error| wrong(error.to_string()))?;
        Ok(Identity::of_claims(claims))
    }
}

fn answer(
    table: &Table,
    json: bool,
    requests: &mut impl BufRead,
    out: &mut impl Write,
) -> io::Result<bool> {
    let mut all_read = true;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = requests
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Asked>(&line) {
            Ok(asked) => write_decision(table, json, &asked, out)?,
            Err(error) => {
                all_read = false;
                let error = format!("line {number}: {error}");
                if json {
                    writeln!(out, "{}", serde_json::json!({ "error": error }))?;
                } else {
                    writeln!(out, "{error}")?;
                }
            }
        }
        out.flush()?;
    }
    Ok(all_read)
}

fn write_decision(
    table: &Table,
    json: bool,
    asked: &Asked,
    out: &mut impl Write,
) -> io::Result<()> {
    let headers: Vec<(&str, &str)> = asked
        .headers
        .iter()
        .flat_map(|(name, values)| values.all().map(move |value| (name.as_str(), value)))
        .collect();
    let identity = asked.identity();
    let presented = identity
        .as_ref()
        .map_or(Presented::Nothing, Presented::Identity);
    // As when it is served.
    let target = normal_target(&asked.path);
    let request = Request::new(&asked.method, &asked.host, &target, &headers).presenting(presented);
    let decision = table.decide(&asked.arrival(), &request);
    let answer = Answer::of(&decision, &request);
    if json {
        writeln!(out, "{}", serde_json::to_string(&answer)?)
    } else {
        writeln!(
            out,
            "{} {}{}: {answer}",
            asked.method, asked.host, asked.path
        )
    }
}

/// Why nothing can be explained.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExplainError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("`{0}`: write a request as 'GET http://host/path', a header as 'name: value'")]
    Request(String),
    #[error("{file}: {cause}; --as takes a JSON object of claims, or user:NAME")]
    Claims { file: String, cause: String },
    #[error("--as says who sends the request, and so does its Authorization: leave one out")]
    Twice,
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("cannot read the requests or write the answers: {0}")]
    Io(io::Error),
}
