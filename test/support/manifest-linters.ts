/** Linters for Kubernetes objects that registries have: `node test/support/manifest-linters.ts` builds kube-score with Go; checkov is taken from PATH. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const KUBE_SCORE = "v1.20.0";

/** A finding of a linter. */
export interface Finding {
  /** The linter's own name of what it looks for. */
  readonly id: string;
  /** `Kind name`. */
  readonly object: string;
}

/** A linter that is at hand. */
export interface Linter {
  readonly name: string;
  /** Looks at a file of YAML documents. */
  readonly findings: (file: string) => readonly Finding[];
}

const cache = process.env["NATSBUS_CACHE_DIR"] || join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "natsbus");
const kubeScore = join(cache, "linters", KUBE_SCORE, "kube-score");

/** Those that are at hand, and how to get the others. */
export function manifestLinters(): { readonly present: readonly Linter[]; readonly missing: readonly string[] } {
  const checkov = (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "checkov"))
    .find((path) => existsSync(path));
  return {
    present: [
      ...(existsSync(kubeScore) ? [{ name: "kube-score", findings: kubeScoreFindings }] : []),
      ...(checkov === undefined ? [] : [{ name: "checkov", findings: (file: string) => checkovFindings(checkov, file) }]),
    ],
    missing: [
      ...(existsSync(kubeScore) ? [] : ["kube-score is not built: npm run check:manifests does it with Go"]),
      ...(checkov === undefined ? ["checkov is not on PATH: pip install checkov"] : []),
    ],
  };
}

interface Scored {
  readonly type_meta: { readonly kind: string };
  readonly object_meta: { readonly name: string };
  readonly checks: readonly { readonly check: { readonly id: string }; readonly grade: number; readonly skipped: boolean }[];
}

const BEST_GRADE = 10;

function kubeScoreFindings(file: string): readonly Finding[] {
  // It exits with 1 when it found something.
  const { stdout, stderr } = spawnSync(kubeScore, ["score", "--output-format", "json", file], { encoding: "utf8" });
  if (!stdout.startsWith("[")) throw new Error(`kube-score gave no answer: ${stderr}`);
  return (JSON.parse(stdout) as Scored[]).flatMap(({ type_meta, object_meta, checks }) =>
    checks
      .filter(({ skipped, grade }) => !skipped && grade < BEST_GRADE)
      .map(({ check }) => ({ id: check.id, object: `${type_meta.kind} ${object_meta.name}` })),
  );
}

interface Checked {
  readonly results: { readonly failed_checks: readonly { readonly check_id: string; readonly resource: string }[] };
  readonly summary: { readonly passed: number; readonly parsing_errors: number };
}

function checkovFindings(program: string, file: string): readonly Finding[] {
  const args = ["--framework", "kubernetes", "--compact", "--quiet", "--soft-fail", "-o", "json", "-f", file];
  const answer = JSON.parse(execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })) as Checked;
  if (answer.summary.passed === 0 || answer.summary.parsing_errors > 0) throw new Error("checkov did not read the objects");
  // Resources are named `Kind.namespace.name`.
  return answer.results.failed_checks.map(({ check_id, resource }) => ({
    id: check_id,
    object: `${resource.split(".")[0]} ${resource.split(".").at(-1)}`,
  }));
}

function buildKubeScore(): void {
  if (existsSync(kubeScore)) return;
  const folder = join(kubeScore, "..");
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: "0", GOTOOLCHAIN: "local" };
  execFileSync("go", ["install", `github.com/zegl/kube-score/cmd/kube-score@${KUBE_SCORE}`], { env, cwd: "/", stdio: ["ignore", 2, 2] });
}

if (import.meta.main) buildKubeScore();
