//! Running a suite.

use std::sync::Arc;

use maso_core::eval::Rows;
use maso_core::{
    Batch, Census, CertifiedBatch, EvalError, Evaluator, Margin, Network, Rounding, Tier, Want,
};

use crate::digest::digest;
use crate::linear::Linear;
use crate::machine::{Machine, peak};
use crate::measure::{Times, measure_in_turn};
use crate::report::{Measured, Results, print, talk, write_json};
use crate::suite::{Case, Job, Suite};
use crate::workload::{self, Data};
use crate::{Outcome, RunArgs};

/// Rows that tell how large values are, for margins.
const SAMPLE_ROWS: usize = 256;

/// Runs the suite and prints what it measured; false if a digest is not the expected one.
pub(crate) fn run(args: &RunArgs) -> Outcome {
    let suite = Suite::find(&args.suite)?.only(args.only.as_deref())?;
    let tier = args.tier.unwrap_or_else(Tier::best);
    let mut results = Results {
        suite: args.suite.clone(),
        machine: Machine::here(),
        peaks: vec![(tier.name().to_owned(), peak(tier))],
        measured: Vec::new(),
    };
    for case in &suite.cases {
        talk(&format!("running {}", case.name));
        results.measured.extend(run_case(case, tier, results.peaks[0].1, args.samples)?);
    }
    print(&results.text())?;
    if let Some(path) = &args.out {
        write_json(path, &results)?;
    }
    Ok(results.measured.iter().all(|measured| measured.as_expected != Some(false)))
}

fn run_case(
    case: &Case,
    tier: Tier,
    peak: f64,
    samples: u16,
) -> Result<Vec<Measured>, Box<dyn std::error::Error>> {
    let network = workload::network(&case.network)?;
    let data = Data::of(case, network.input().len())?;
    if let (None, Some(job)) = (data.numbers(), case.jobs.iter().find(|job| job.needs_numbers())) {
        return Err(
            format!("{}: {} takes rows of numbers, not bytes", case.name, job.name()).into()
        );
    }
    let mut measured = Vec::new();
    for &threads in &case.threads {
        let mut evaluator = evaluator(&network, tier, threads)?;
        if case.jobs.iter().any(|job| matches!(job, Job::Margins | Job::Certify)) {
            let sample = SAMPLE_ROWS.min(case.rows) * network.input().len();
            evaluator = evaluator.with_margin_sample(&data.first(sample))?;
        }
        let found = codes(&evaluator, &data)?;
        let expected = match tier.rounding() {
            Rounding::Fused => &case.digest.fused,
            Rounding::Separate => &case.digest.separate,
        };
        let calls = case.jobs.iter().map(|&job| call(job, &evaluator, &data));
        let times = measure_in_turn(samples, &mut calls.collect::<Vec<_>>());
        for (&job, times) in case.jobs.iter().zip(&times) {
            let mut one = describe(case, job, &evaluator, &data, times, peak);
            one.as_expected = expected.as_ref().map(|expected| *expected == found);
            one.digest = Some(found.clone());
            if let Some(numbers) = data.numbers().filter(|_| job.needs_numbers())
                && !Linear::is_right(job, &evaluator, numbers)?
            {
                one.as_expected = Some(false);
            }
            if job == Job::Certify {
                one.redone = Some(redone(&evaluator, &data)?);
            }
            measured.push(one);
        }
    }
    Ok(measured)
}

pub(crate) fn evaluator(
    network: &Arc<Network>,
    tier: Tier,
    threads: usize,
) -> Result<Evaluator, rayon::ThreadPoolBuildError> {
    let evaluator = Evaluator::new(Arc::clone(network)).with_tier(tier);
    if threads == 1 {
        return Ok(evaluator);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    Ok(evaluator.with_pool(Arc::new(pool)))
}

/// Digest of all codes.
fn codes(evaluator: &Evaluator, data: &Data) -> Result<String, EvalError> {
    let width = evaluator.network().input().len();
    data.with_rows(width, |rows| {
        let mut all = Vec::new();
        evaluator.run(rows, 0..rows.count(), Want::CODES, |batch| {
            all.extend_from_slice(batch.codes);
            Ok::<(), EvalError>(())
        })?;
        Ok(digest(&all))
    })
}

/// A job over all rows (over one row, for the latency), as a call.
fn call<'a>(job: Job, evaluator: &'a Evaluator, data: &'a Data) -> Box<dyn FnMut() + 'a> {
    let network = evaluator.network();
    let (width, words) = (network.input().len(), network.layout().words());
    let outputs: usize = network.output_shape().iter().product();
    let Some(numbers) = data.numbers() else {
        return Box::new(move || data.with_rows(width, |rows| stream(job, evaluator, rows)));
    };
    let rows = numbers.len() / width;
    match job {
        Job::Forward => {
            let mut values = vec![0.0; rows * outputs];
            Box::new(move || evaluator.forward_into(numbers, &mut values).expect(RAN))
        }
        Job::Codes => {
            let mut codes = vec![0; rows * words];
            Box::new(move || evaluator.codes_into(numbers, &mut codes).expect(RAN))
        }
        Job::Margins => {
            let (mut codes, mut margins) = (vec![0; rows * words], vec![Margin::default(); rows]);
            Box::new(move || evaluator.margins_into(numbers, &mut codes, &mut margins).expect(RAN))
        }
        Job::Latency => {
            let mut code = vec![0; words];
            Box::new(move || evaluator.codes_into(&numbers[..width], &mut code).expect(RAN))
        }
        Job::Jvp | Job::Jacobian => {
            let mut linear = Linear::new(job, evaluator, numbers);
            Box::new(move || linear.run().expect(RAN))
        }
        Job::Certify | Job::Census => {
            Box::new(move || data.with_rows(width, |rows| stream(job, evaluator, rows)))
        }
    }
}

/// Rows ran once, for the digest, before any time is taken.
const RAN: &str = "it ran before";

/// A job over rows that are handed on batch by batch.
fn stream(job: Job, evaluator: &Evaluator, rows: &dyn Rows) {
    let all = 0..rows.count();
    let want = match job {
        Job::Census => {
            std::hint::black_box(census(evaluator, rows).report());
            return;
        }
        Job::Certify => {
            let take = |certified: CertifiedBatch<'_>| {
                std::hint::black_box(certified.redone);
                Ok::<(), EvalError>(())
            };
            return evaluator.certify(rows, all, take).expect(RAN);
        }
        Job::Forward => Want::VALUES,
        Job::Margins => Want::MARGINS,
        Job::Codes | Job::Latency => Want::CODES,
        Job::Jvp | Job::Jacobian => unreachable!("they have their rows in memory"),
    };
    let take = |_: &mut (), batch: Batch<'_>| {
        std::hint::black_box(batch.codes);
        Ok::<(), EvalError>(())
    };
    evaluator.fold(rows, all, want, || (), take).expect(RAN);
}

/// The share of rows that are done again in f64.
fn redone(evaluator: &Evaluator, data: &Data) -> Result<f64, EvalError> {
    data.with_rows(evaluator.network().input().len(), |rows| {
        let mut again = 0;
        evaluator.certify(rows, 0..rows.count(), |certified| {
            again += certified.redone.len();
            Ok::<(), EvalError>(())
        })?;
        Ok(again as f64 / rows.count() as f64)
    })
}

/// The census of all rows, counted by each thread and put together.
fn census(evaluator: &Evaluator, rows: &dyn Rows) -> Census {
    let (new, want) = (|| Census::new(evaluator.network()), Want::CODES);
    let gather = |census: &mut Census, batch: Batch<'_>| {
        census.add(batch.first_row, batch.rows, batch.codes, None, |_| {});
        Ok::<(), EvalError>(())
    };
    let shards = evaluator.fold(rows, 0..rows.count(), want, new, gather).expect(RAN);
    let mut shards = shards.into_iter();
    let mut all = shards.next().unwrap_or_else(new);
    for shard in shards {
        all.merge(&shard).expect("shards of one network");
    }
    all
}

fn describe(
    case: &Case,
    job: Job,
    evaluator: &Evaluator,
    data: &Data,
    times: &Times,
    peak: f64,
) -> Measured {
    let (network, seconds) = (evaluator.network(), times.median());
    let rows = if job == Job::Latency { 1 } else { case.rows };
    let rows_per_second = rows as f64 / seconds;
    let outputs: usize = network.output_shape().iter().product();
    let width = network.input().len();
    // A matrix is a pass for each of its rows or columns; units left out are counted.
    let passes = match job {
        Job::Jvp => 2.0,
        Job::Jacobian => 1.0 + outputs.min(width) as f64,
        _ => 1.0,
    };
    let flops = 2.0 * passes * network.multiply_adds() as f64 * rows_per_second;
    let written = match job {
        Job::Forward => outputs * size_of::<f32>(),
        Job::Jvp => 2 * outputs * size_of::<f32>(),
        Job::Jacobian => outputs * (width + 1) * size_of::<f32>(),
        _ => network.layout().words() * size_of::<u64>(),
    };
    let bytes = data.row_bytes(width) + written;
    Measured {
        case: case.name.clone(),
        job: job.name().to_owned(),
        tier: evaluator.tier().name().to_owned(),
        threads: evaluator.threads(),
        rows,
        seconds,
        rows_per_second,
        gflops: flops / 1e9,
        share_of_peak: flops / 1e9 / (peak * evaluator.threads() as f64),
        gigabytes_per_second: bytes as f64 * rows_per_second / 1e9,
        spread: times.spread(),
        digest: None,
        as_expected: None,
        redone: None,
    }
}
