//! Templates in handlebars' language whose values can never change the structure of the YAML.
//!
//! # How it works
//!
//! A tag such as `{{image.tag}}` does not write the value. It writes an opaque word, the rendered
//! text is parsed, and the typed value takes the word's place in the parsed tree:
//!
//! - where the word is all of a plain scalar, the value itself stands there: a mapping, a list, a
//!   number, a boolean or null as well as a string;
//! - inside a word, in quotes, in a block scalar and in a key it is the text of a scalar; a mapping,
//!   a list or null there is an error;
//! - in a comment it vanishes with the comment;
//! - anywhere else (an anchor, a tag, an alias, a directive) it is an error.
//!
//! So no value needs quoting or indenting, none can add a key, and a value that contains `{{` is
//! text like any other. `sheet` says why no template and no value can forge such a word.
//!
//! # Limits
//!
//! A template may have 256 KiB and nest 64 deep; what a rendering may cost is set by [`Limits`].

mod compile;
mod draft;
mod evaluate;
mod filling;
mod helper;
pub mod library;
mod nesting;
mod nonce;
mod reading;
mod rendering;
mod scope;
mod sheet;
mod skeleton;
mod source;
mod spelling;
mod syntax;
mod usage;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use narae_yaml::Value;

use crate::error::{Error, ErrorKind};
use crate::values::Values;

pub use helper::{BlockCall, Turn, TurnValue};
use helper::{BlockWork, Helpers};
pub use rendering::{Provenance, Rendered, Rendering};
use source::Source;
pub use spelling::Respelled;
use syntax::Template;
pub use usage::Unresolved;

/// What a rendering may cost, all templates of the set together.
///
/// Each is checked before it is exceeded, and named in the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Tags evaluated and loop turns taken: one million.
    pub max_steps: usize,
    /// Bytes of text written and of values inserted: 64 MiB.
    pub max_bytes: usize,
    /// Blocks and partials inside one another, over all templates involved: 100.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_steps: 1_000_000,
            max_bytes: 64 << 20,
            max_depth: 100,
        }
    }
}

/// Templates and the partials they share, compiled.
#[derive(Clone, Debug, Default)]
pub struct TemplateSet {
    /// Every template and partial, by number.
    sources: Vec<Arc<Source>>,
    templates: Vec<(usize, Template)>,
    partials: BTreeMap<String, (usize, Template)>,
    helpers: Helpers,
    limits: Limits,
}

impl TemplateSet {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same set with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds a template; each of its documents becomes an object.
    ///
    /// `name` is what errors and provenance call it, usually its path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`], [`ErrorKind::UnknownName`] or [`ErrorKind::Unsupported`] with the
    /// place, when the template cannot be compiled; [`ErrorKind::Conflict`] when the name is taken;
    /// [`ErrorKind::Limit`] when it is too large or too deep.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let compiled = self.compile(name, text)?;
        self.templates.push(compiled);
        Ok(())
    }

    /// Adds a partial that templates include with `{{> partial}}`.
    ///
    /// `file_name` is what errors and provenance call it.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add); [`ErrorKind::Conflict`] also when there is a partial of that name.
    pub fn add_partial(&mut self, partial: &str, file_name: &str, text: &str) -> Result<(), Error> {
        if self.partials.contains_key(partial) {
            let message = format!("there are two partials `{partial}`, the second in {file_name}");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let compiled = self.compile(file_name, text)?;
        self.partials.insert(partial.to_owned(), compiled);
        Ok(())
    }

    /// Adds a helper that templates added later can call as `{{name a b}}` and `(name a b)`.
    ///
    /// It takes `arity` values that are all there, with their types, and gives one, of any type, or
    /// says what is wrong with them in words that follow its name: `takes a port, found 70000`.
    /// Neither the values nor what it gives passes through text. Rendering is reproducible as long
    /// as the helper is: it should read nothing but its arguments.
    ///
    /// ```
    /// use narae_manifest::{Layer, TemplateSet, Values};
    /// use narae_yaml::Value;
    ///
    /// let mut templates = TemplateSet::new();
    /// templates.add_helper("port", 1..=1, |arguments| match arguments {
    ///     [Value::String(address)] => match address.rsplit_once(':') {
    ///         Some((_, port)) => port.parse::<u16>().map(Value::from).map_err(|e| e.to_string()),
    ///         None => Err("takes an address with a port".to_owned()),
    ///     },
    ///     _ => Err("takes a string".to_owned()),
    /// })?;
    /// templates.add("t.yaml", "port: {{port address}}\n")?;
    /// let values = Values::merge([Layer::read("v.yaml", "address: localhost:8080")?])?;
    /// let rendering = templates.render(&values)?;
    /// assert_eq!(rendering.objects[0].value, narae_yaml::read_one("port: 8080")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] when there is a helper of that name, or the name cannot be called:
    /// it has letters, digits, `_` and `-`.
    pub fn add_helper<F>(
        &mut self,
        name: &str,
        arity: RangeInclusive<usize>,
        helper: F,
    ) -> Result<(), Error>
    where
        F: Fn(&[&Value]) -> Result<Value, String> + Send + Sync + 'static,
    {
        if self.helpers.add(name, arity, Arc::new(helper)) {
            return Ok(());
        }
        let message = format!("there is a helper `{name}`, or it is not a name");
        Err(Error::new(ErrorKind::Conflict, message))
    }

    /// Adds a block helper that templates added later can write as
    /// `{{#name a b option=c as |x y|}}…{{else}}…{{/name}}`.
    ///
    /// It takes `arity` arguments and some of the `options`, all with their types, and gives one
    /// [`Turn`] for each time that the block is to be rendered; with none of them the `else` part
    /// is. It says what is wrong with its arguments as a helper does. Only values go in and out,
    /// never text, so a value is as safe in such a block as anywhere. `@index` and its like stay
    /// those of the `#each` around; what a turn wants to say of itself it gives a name.
    ///
    /// ```
    /// use narae_manifest::{Layer, TemplateSet, Values, template::Turn};
    /// use narae_yaml::Value;
    ///
    /// let mut templates = TemplateSet::new();
    /// // The elements of a list whose `zone` is the one asked for, with how many are left.
    /// templates.add_block_helper("inZone", 1..=1, &["zone"], |call| {
    ///     let [Value::Sequence(list)] = call.arguments() else {
    ///         return Err("takes a list".to_owned());
    ///     };
    ///     let zone = call.option("zone");
    ///     let there: Vec<&Value> = list.iter().filter(|one| one.get("zone") == zone).collect();
    ///     let left = (0..there.len()).rev().map(Value::from);
    ///     let turn = |(one, left)| Turn::new().with_context(one).with_name(one).with_name(left);
    ///     Ok(there.into_iter().zip(left).map(turn).collect())
    /// })?;
    /// templates.add("t.yaml", "
    /// hosts:
    /// {{#inZone hosts zone='a' as |host left|}}
    /// - {name: {{name}}, zone: {{host.zone}}, left: {{left}}}
    /// {{else}}
    /// - none
    /// {{/inZone}}
    /// ")?;
    /// let values = Values::merge([Layer::read(
    ///     "v.yaml",
    ///     "hosts: [{name: 'x: y', zone: a}, {name: z, zone: b}]",
    /// )?])?;
    /// let rendering = templates.render(&values)?;
    /// let expected = narae_yaml::read_one("hosts: [{name: 'x: y', zone: a, left: 0}]")?;
    /// assert_eq!(rendering.objects[0].value, expected);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`add_helper`](Self::add_helper); the names of the language's own blocks are taken.
    pub fn add_block_helper<F>(
        &mut self,
        name: &str,
        arity: RangeInclusive<usize>,
        options: &[&str],
        helper: F,
    ) -> Result<(), Error>
    where
        F: for<'v> Fn(&BlockCall<'v>) -> Result<Vec<Turn<'v>>, String> + Send + Sync + 'static,
    {
        let work: Arc<BlockWork> = Arc::new(helper);
        if self.helpers.add_block(name, arity, options, work) {
            return Ok(());
        }
        let message = format!("there is a block `#{name}`, or it is not a name");
        Err(Error::new(ErrorKind::Conflict, message))
    }

    /// Renders every template, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingValue`] when a template names a value that no layer sets,
    /// [`ErrorKind::WrongType`] when one cannot stand where it is used, [`ErrorKind::UnknownName`]
    /// when a partial does not exist, [`ErrorKind::Structure`] when what was rendered is not YAML,
    /// [`ErrorKind::Limit`] when it grows past [`Limits`]. All name the place in the template.
    pub fn render(&self, values: &Values) -> Result<Rendering, Error> {
        rendering::render(self, values)
    }

    fn compile(&mut self, name: &str, text: &str) -> Result<(usize, Template), Error> {
        if self.sources.iter().any(|source| source.name() == name) {
            let message = format!("there are two templates named {name}");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let source = Arc::new(Source::new(name, text));
        let template = compile::compile(&source, &self.helpers)?;
        self.sources.push(source);
        Ok((self.sources.len() - 1, template))
    }

    fn partial(&self, name: &str) -> Option<(usize, &Template)> {
        self.partials
            .get(name)
            .map(|(number, template)| (*number, template))
    }

    fn partial_names(&self) -> impl Iterator<Item = &str> {
        self.partials.keys().map(String::as_str)
    }
}
