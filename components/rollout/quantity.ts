const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** Bytes of a quantity in Kubernetes's form, for instance `10Gi` or `1500M`; 0 for what is none. */
export function parseQuantity(text: string): number {
  const [, digits = "0", unit = ""] = /^(\d+(?:\.\d+)?(?:e\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
  return Math.round(Number(digits) * (UNITS[unit] ?? 0));
}
