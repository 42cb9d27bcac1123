//! What the processes weigh after 20 sign-ins: proportional set size, so that shared pages count once.

use crate::system::unique;
use crate::world::World;

const BUDGETS_MB: [(&str, f64); 2] = [("edge", 20.0), ("issuer", 45.0)];

#[test]
fn issuer_and_edge_stay_small() {
    let world = World::start();
    let system = world.system();
    let (user, password) = (unique("weight"), "Correct-Horse-1");
    system.create_user(&user, password);
    for _ in 0..20 {
        let tokens = system.sign_in(&user, password).unwrap();
        assert_eq!(system.edge_status(&tokens.access), 200);
    }
    for (role, budget) in BUDGETS_MB {
        let pss = pss_mb(world.pid(role).unwrap());
        println!("{role}: {pss:.1} MB PSS (budget {budget} MB, release build)");
        // A build without optimisation has bigger code; its size says nothing.
        assert!(cfg!(debug_assertions) || pss <= budget, "{role}: {pss:.1} MB");
    }
}

/// The kernel tells KiB; a megabyte here has a million bytes.
fn pss_mb(pid: u64) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = text.lines().find(|line| line.starts_with("Pss:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1.024 / 1000.0
}
