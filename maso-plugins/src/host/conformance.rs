//! Tries everything that a plugin offers against what the header demands, for `maso plugin check`.

use super::{
    Block, Error, Failure, Inference, Instance, Kind, Plugin, Scalar,
    probe::{Results, points},
};
use crate::abi::status;
use std::{path::Path, thread};

/// What was tried with a plugin.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// The plugin, if it could be loaded.
    pub plugin: Option<&'static Plugin>,
    /// What was tried, in order.
    pub checks: Vec<Check>,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What is demanded.
    pub name: &'static str,
    /// Of what: the file, or a kind with its parameters.
    pub subject: String,
    /// What is wrong, if it failed.
    pub problem: Option<String>,
}

impl Check {
    /// Whether it is as demanded.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.problem.is_none()
    }
}

impl Report {
    /// Whether all is as demanded.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks.iter().all(Check::passed)
    }

    fn note(&mut self, name: &'static str, subject: &str, outcome: Result<(), String>) -> bool {
        let check = Check { name, subject: subject.into(), problem: outcome.err() };
        let passed = check.passed();
        self.checks.push(check);
        passed
    }
}

/// Loads a file, and tries each kind with its default parameters and with each parameter at the ends of its range.
/// Its code runs.
#[must_use]
pub fn check(path: impl AsRef<Path>) -> Report {
    let mut report = Report { plugin: None, checks: Vec::new() };
    let subject = path.as_ref().display().to_string();
    match Plugin::open(path) {
        Ok(plugin) => {
            report.note("loads, and its tables are well-formed", &subject, Ok(()));
            report.plugin = Some(plugin);
            plugin.kinds().iter().for_each(|kind| check_kind(&mut report, kind));
        }
        Err(error) => {
            report.note("loads, and its tables are well-formed", &subject, Err(error.to_string()));
        }
    }
    report
}

fn check_kind(report: &mut Report, kind: &'static Kind) {
    for values in settings(kind) {
        check_setting(report, kind, &values);
    }
}

/// The defaults, and each parameter at its ends, the others at their defaults.
fn settings(kind: &Kind) -> Vec<Vec<f64>> {
    let defaults: Vec<_> = kind.parameters().iter().map(|parameter| parameter.default).collect();
    let mut settings = vec![defaults.clone()];
    for (index, parameter) in kind.parameters().iter().enumerate() {
        for end in [parameter.minimum, parameter.maximum] {
            if end.is_finite() {
                let mut values = defaults.clone();
                values[index] = end;
                settings.push(values);
            }
        }
    }
    settings
}

fn check_setting(report: &mut Report, kind: &'static Kind, values: &[f64]) {
    let subject = subject(kind, values);
    let made = Instance::make(kind, values);
    if !report.note("is created, or refused with a reason", &subject, created(&made)) {
        return;
    }
    let problem = match &made {
        Err(Error::Create { .. }) => return,
        other => other.as_ref().map(|_| ()).map_err(Error::to_string),
    };
    report.note("its pieces and rule are well-formed", &subject, problem);
    let Ok(instance) = made else { return };
    report.note("is the same when created again", &subject, same_again(&instance));
    if instance.inference() == Inference::Callback {
        check_callback(report, &subject, &instance);
    }
}

/// Parameters at the ends of their ranges need not go together; then the plugin must say why.
fn created(made: &Result<Instance, Error>) -> Result<(), String> {
    let reasoned =
        |failure: &Failure| failure.status == status::PARAMETER && !failure.message.is_empty();
    match made {
        Err(Error::Create { failure, .. }) if reasoned(failure) => Ok(()),
        Err(error @ (Error::Create { .. } | Error::NoInstance { .. })) => Err(error.to_string()),
        _ => Ok(()),
    }
}

fn subject(kind: &Kind, values: &[f64]) -> String {
    let settings: Vec<_> = kind
        .parameters()
        .iter()
        .zip(values)
        .map(|(parameter, value)| format!(":{}={value}", parameter.name))
        .collect();
    format!("{}{}", kind.name(), settings.concat())
}

fn same_again(instance: &Instance) -> Result<(), String> {
    let again =
        Instance::make(instance.kind(), instance.values()).map_err(|error| error.to_string())?;
    let same = again.pieces() == instance.pieces() && again.inference() == instance.inference();
    if same { Ok(()) } else { Err("another instance has other pieces or another rule".into()) }
}

fn check_callback(report: &mut Report, subject: &str, instance: &Instance) {
    let probed = instance.probe().map_err(|error| error.to_string());
    if !report.note("its values, derivatives and memberships go together", subject, probed) {
        return;
    }
    let single = blocks::<f32>(instance).and_then(|()| blocks::<f64>(instance));
    report.note(
        "a result does not depend on the block, and nothing else is written",
        subject,
        single,
    );
    let threads = threads::<f32>(instance).and_then(|()| threads::<f64>(instance));
    report.note("results are the same on several threads", subject, threads);
    let odd = odd::<f32>(instance).and_then(|()| odd::<f64>(instance));
    report.note("takes NaN and infinities", subject, odd);
}

/// Sample points, enough for many vectors and an odd rest.
fn samples<S: Scalar>(instance: &Instance) -> Vec<S> {
    let points = points(instance.pieces().knots());
    points.iter().cycle().take(611).map(|&z| S::from_f64(z)).collect()
}

/// The bits of a number, widened.
fn bits<S: Scalar>(number: S) -> u64 {
    number.widen().to_bits()
}

fn equal<S: Scalar>(found: &[S], expected: &[S]) -> bool {
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(&found, &expected)| bits(found) == bits(expected))
}

/// Lines with gaps, values alone, and numbers one by one against all at once.
fn blocks<S: Scalar>(instance: &Instance) -> Result<(), String> {
    let z = samples::<S>(instance);
    let whole = Results::of(instance, &z).map_err(|error| error.to_string())?;
    in_lines(instance, &z, &whole)?;
    for (index, z) in z.iter().enumerate().step_by(7) {
        let one = Results::of(instance, &[*z]).map_err(|error| error.to_string())?;
        if bits(one.value[0]) != bits(whole.value[index]) {
            return Err(format!(
                "at {:?}: {:?} alone, {:?} among others, with everything wanted",
                z, one.value[0], whole.value[index]
            ));
        }
    }
    let mut value = vec![S::default(); z.len()];
    let count = z.len();
    let alone = instance.soft(Block::line(&z).value(&mut value, count));
    alone.map_err(|error| error.to_string())?;
    if !equal(&value, &whole.value) {
        return Err("values differ if nothing else is wanted".into());
    }
    instance.soft(Block::line(&z)).map_err(|error| format!("if nothing is wanted: {error}"))?;
    instance.soft(Block::<S>::line(&[])).map_err(|error| format!("on an empty block: {error}"))
}

/// Lines of an array with gaps between them.
struct Gapped<S> {
    data: Vec<S>,
    stride: usize,
}

/// What stands in gaps: unlikely to be written by chance.
const GAP: f64 = -1.357_924_6e7;

impl<S: Scalar> Gapped<S> {
    const LINES: usize = 13;
    const LENGTH: usize = 47;

    fn new(planes: usize, gap: usize) -> Self {
        let stride = Self::LENGTH + gap;
        Self { data: vec![S::from_f64(GAP); planes * Self::LINES * stride], stride }
    }

    fn plane_stride(&self) -> usize {
        Self::LINES * self.stride
    }

    /// The numbers of all lines, if the gaps are as they were.
    fn gather(&self) -> Result<Vec<S>, String> {
        let mut numbers = Vec::new();
        for line in self.data.chunks(self.stride) {
            let (line, gap) = line.split_at(Self::LENGTH);
            if gap.iter().any(|number| bits(*number) != bits(S::from_f64(GAP))) {
                return Err("it wrote beyond the end of a line".into());
            }
            numbers.extend_from_slice(line);
        }
        Ok(numbers)
    }
}

fn in_lines<S: Scalar>(instance: &Instance, z: &[S], whole: &Results<S>) -> Result<(), String> {
    let pieces = instance.pieces().count();
    let mut input = Gapped::new(1, 3);
    for (line, z) in input.data.chunks_mut(input.stride).zip(z.chunks(Gapped::<S>::LENGTH)) {
        line[..z.len()].copy_from_slice(z);
    }
    let (mut value, mut derivative) = (Gapped::new(1, 1), Gapped::new(1, 5));
    let mut membership = Gapped::new(pieces, 2);
    let lines = Gapped::<S>::LINES;
    let mut block = Block::lines(&input.data, lines, Gapped::<S>::LENGTH, input.stride)
        .value(&mut value.data, value.stride);
    if whole.derivative.is_some() {
        block = block.derivative(&mut derivative.data, derivative.stride);
    }
    let plane = membership.plane_stride();
    if whole.membership.is_some() {
        block = block.membership(&mut membership.data, membership.stride, plane);
    }
    instance.soft(block).map_err(|error| error.to_string())?;
    for (what, expected) in whole.lists() {
        let found = match what {
            "value" => &value,
            "derivative" => &derivative,
            _ => &membership,
        };
        if !equal(&found.gather()?, expected) {
            return Err(format!("each {what} differs in lines with gaps"));
        }
    }
    Ok(())
}

fn threads<S: Scalar>(instance: &Instance) -> Result<(), String> {
    let z = samples::<S>(instance);
    let run = || Results::of(instance, &z).map_err(|error| error.to_string());
    let expected = run()?;
    let compare = || -> Result<(), String> {
        for _ in 0..20 {
            let found = run()?;
            if !found.lists().zip(expected.lists()).all(|(a, b)| equal(a.1, b.1)) {
                return Err("results differ from thread to thread".into());
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(compare)).collect();
        let mut outcomes = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a thread panicked".into())));
        outcomes.find(Result::is_err).unwrap_or(Ok(()))
    })
}

/// Whatever it makes of them, it must return.
fn odd<S: Scalar>(instance: &Instance) -> Result<(), String> {
    let z = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, -0.0, 5e-324];
    let run = Results::of(instance, &z.map(S::from_f64));
    run.map(|_| ()).map_err(|error| error.to_string())
}
