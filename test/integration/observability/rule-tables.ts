/** All cases, by what they are about. */
import { CLIENT_CASES, CLUSTER_CASES, MONITORING_CASES, type RuleCase, SERVER_CASES } from "./rule-cases.ts";
import { CONSUMER_CASES, STREAM_CASES } from "./rule-cases-streams.ts";

/** The cases of one area. */
interface Table {
  readonly area: string;
  readonly cases: readonly RuleCase[];
  /** Whether the company is checked among all rules; thresholds of one figure concern one alert only, and all rules over hours cost minutes. */
  readonly company: boolean;
}

/** Every area but the burn rates. */
export const TABLES: readonly Table[] = [
  { area: "monitoring", cases: MONITORING_CASES, company: true },
  { area: "cluster", cases: CLUSTER_CASES, company: true },
  { area: "servers", cases: SERVER_CASES, company: false },
  { area: "clients", cases: CLIENT_CASES, company: false },
  { area: "streams", cases: STREAM_CASES, company: true },
  { area: "consumers", cases: CONSUMER_CASES, company: true },
];
