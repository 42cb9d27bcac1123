//! An edge with a web ACL of thirty rules before its whole pipeline, beside the same pipeline without.

use super::{Case, Wanted, browser, in_rounds, prove};
use crate::finding::{ScenarioFinding, Unit};
use crate::load::{Bearers, Same};
use crate::peers::{Peer, TollgateEdge, Way};
use crate::scenario::BenchError;
use crate::scenario::live::{Bench, Live, finding};

/// The scenario.
pub struct ThirtyRules;

/// What a list of orders is asked for with.
const QUERY: &str = "page=2&per_page=50&sort=-created_at&status=open&customer=0f3e5a6c-1111-4222-8333-444455556666&q=blue+running+shoes";
/// What the rules refuse.
const ATTACK: &str = "q=%3Cscript%3Ealert(1)%3C%2Fscript%3E";
const SYSTEM: &str = "tollgate";

impl Live for ThirtyRules {
    fn name(&self) -> &'static str {
        "waf_30_rules"
    }

    fn title(&self) -> &'static str {
        "Web ACL of 30 rules"
    }

    fn about(&self) -> &'static str {
        "One edge, three routes: a plain pass, the whole pipeline, and the pipeline behind a web ACL of 30 rules that inspect headers, cookies, method, path and query of every request, none of which matches. Requests are a browser's, with six query parameters, three cookies and a known token. over_pipeline and over_plain are what the rules' route takes beyond the others in the same round."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let running = bench.lab.begin_ruled_edge(bench.options)?;
        let address = running.address();
        let edge = TollgateEdge::new(Vec::new());
        let ask = |path: &str, query: &str| {
            let requests = Same::get(&format!("{path}?{query}"))?.bearers(Bearers::new(&bench.lab.known)?);
            browser(requests)
        };
        let path = |way| edge.path(way).ok_or(BenchError::NothingToMeasure);
        let (plain, pipeline) = (path(Way::Plain)?, path(Way::Full)?);
        prove(address, &ask(TollgateEdge::RULED, QUERY)?, Wanted::Passed)?;
        prove(address, &ask(TollgateEdge::RULED, ATTACK)?, Wanted::Refused)?;
        let paths = [("plain", plain), ("pipeline", pipeline), ("pipeline, 30 rules", TollgateEdge::RULED)];
        let case =
            |(variant, path)| Ok(Case::new([SYSTEM, "Tollgate", variant], running.pid(), address, ask(path, QUERY)?));
        let mut cases = paths.into_iter().map(case).collect::<Result<Vec<_>, BenchError>>()?;
        in_rounds(bench, self.title(), &mut cases, |cases| {
            let [plain, pipeline, ruled] = cases else { return };
            let over = |other: &Case, ruled: &Case| Some(ruled.last()? - other.last()?);
            let (over_plain, over_pipeline) = (over(plain, ruled), over(pipeline, ruled));
            ruled.note("over_plain_us", Unit::MicrosPerRequest, over_plain);
            ruled.note("over_pipeline_us", Unit::MicrosPerRequest, over_pipeline);
        })?;
        Ok(ScenarioFinding { rows: cases.iter().map(Case::row).collect(), ..finding(self) })
    }
}
