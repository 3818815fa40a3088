//! Running a suite.

use std::sync::Arc;

use maso_core::eval::Rows;
use maso_core::{Batch, Census, EvalError, Evaluator, Network, Rounding, Tier, Want};

use crate::digest::digest;
use crate::machine::{Machine, peak};
use crate::measure::{Times, measure};
use crate::report::{Measured, Results, print, talk, write_json};
use crate::suite::{Case, Job, Suite};
use crate::workload::{self, Data};
use crate::{Outcome, RunArgs};

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
    let mut measured = Vec::new();
    for &threads in &case.threads {
        let evaluator = evaluator(&network, tier, threads)?;
        let found = codes(&evaluator, &data)?;
        let expected = match tier.rounding() {
            Rounding::Fused => &case.digest.fused,
            Rounding::Separate => &case.digest.separate,
        };
        for &job in &case.jobs {
            let times = time_job(job, &evaluator, &data, samples)?;
            let mut one = describe(case, job, &evaluator, &data, &times, peak);
            one.as_expected = expected.as_ref().map(|expected| *expected == found);
            one.digest = Some(found.clone());
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

/// Times of a job over all rows (of one row, for the latency).
fn time_job(
    job: Job,
    evaluator: &Evaluator,
    data: &Data,
    samples: u16,
) -> Result<Times, Box<dyn std::error::Error>> {
    let network = evaluator.network();
    let width = network.input().len();
    let words = network.layout().words();
    if let (Some(numbers), Job::Latency) = (data.numbers(), job) {
        let (row, mut code) = (&numbers[..width], vec![0; words]);
        return Ok(measure(samples, || {
            evaluator.codes_into(row, &mut code).expect("it ran before");
        }));
    }
    if let (Some(numbers), Job::Forward | Job::Codes) = (data.numbers(), job) {
        let rows = numbers.len() / width;
        let outputs: usize = network.output_shape().iter().product();
        let (mut values, mut codes) = (vec![0.0; rows * outputs], vec![0; rows * words]);
        return Ok(measure(samples, || {
            let done = match job {
                Job::Forward => evaluator.forward_into(numbers, &mut values),
                _ => evaluator.codes_into(numbers, &mut codes),
            };
            done.expect("it ran before");
        }));
    }
    let want = if job == Job::Forward { Want::VALUES } else { Want::CODES };
    Ok(measure(samples, || {
        data.with_rows(width, |rows| {
            if job == Job::Census {
                std::hint::black_box(census(evaluator, rows).report());
                return;
            }
            let take = |_: &mut (), batch: Batch<'_>| {
                std::hint::black_box(batch.codes);
                Ok::<(), EvalError>(())
            };
            evaluator.fold(rows, 0..rows.count(), want, || (), take).expect("it ran before");
        });
    }))
}

/// The census of all rows, counted by each thread and put together.
fn census(evaluator: &Evaluator, rows: &dyn Rows) -> Census {
    let (new, want) = (|| Census::new(evaluator.network()), Want::CODES);
    let gather = |census: &mut Census, batch: Batch<'_>| {
        census.add(batch.first_row, batch.rows, batch.codes, None, |_| {});
        Ok::<(), EvalError>(())
    };
    let shards = evaluator.fold(rows, 0..rows.count(), want, new, gather).expect("it ran before");
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
    let flops = 2.0 * network.multiply_adds() as f64 * rows_per_second;
    let written = match job {
        Job::Forward => network.output_shape().iter().product::<usize>() * size_of::<f32>(),
        _ => network.layout().words() * size_of::<u64>(),
    };
    let bytes = data.row_bytes(network.input().len()) + written;
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
    }
}
