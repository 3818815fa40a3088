//! Arguments that say how a run is made.

use clap::Args;
use maso_core::Tier;

use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Print the report as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = parse_threads, allow_hyphen_values = true)]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) tier: TierArgs,
    /// Say nothing on standard error but errors
    #[arg(long)]
    pub(crate) quiet: bool,
}

impl RunArgs {
    /// The threads asked for.
    pub(crate) fn pool(&self) -> Result<rayon::ThreadPool, Failure> {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(self.threads.unwrap_or(0));
        builder.build().map_err(|error| Failure::Library(error.into()))
    }
}

#[derive(Debug, Args)]
pub(crate) struct TierArgs {
    /// Instruction set of the kernels: scalar, portable, avx2, avx512 or neon [default: MASO_TIER, or the
    /// fastest here]
    #[arg(long, value_name = "NAME")]
    tier: Option<Tier>,
}

impl TierArgs {
    /// The option's tier, or the environment's, or the fastest.
    pub(crate) fn choose(&self) -> Result<Tier, Failure> {
        let named = std::env::var("MASO_TIER").ok().filter(|name| !name.is_empty());
        match (self.tier, named) {
            (Some(tier), _) => Ok(tier),
            (None, Some(name)) => {
                name.parse().map_err(|error| Failure::Usage(format!("MASO_TIER: {error}")))
            }
            (None, None) => Ok(Tier::best()),
        }
    }
}

fn parse_threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|threads| (1..=1024).contains(threads));
    threads.ok_or_else(|| "expected a whole number from 1 to 1024".to_owned())
}
