/** Letters made of strokes, so that a picture needs no font of the machine it is drawn on. */

/** A stroke from point to point; letters are 4 wide and 6 high, x to the right, y downward. */
export type Stroke = readonly (readonly [x: number, y: number])[];

/** Distance from letter to letter, in the same unit. */
export const ADVANCE = 5.2;

/** Height of a capital letter, in the same unit. */
export const CAP_HEIGHT = 6;

// Each letter: strokes separated by "|", points by blanks, a point is x and y as digits. Small letters are drawn as small capitals.
const LETTERS: Readonly<Record<string, string>> = {
  A: "06 20 46|14 34",
  B: "00 06 36 45 44 33 03|00 30 41 42 33",
  C: "41 30 10 01 05 16 36 45",
  D: "00 06 26 44 42 20 00",
  E: "40 00 06 46|03 33",
  F: "40 00 06|03 33",
  G: "41 30 10 01 05 16 36 45 43 23",
  H: "00 06|40 46|03 43",
  I: "10 30|20 26|16 36",
  J: "40 45 36 16 05",
  K: "00 06|40 03 46",
  L: "00 06 46",
  M: "06 00 23 40 46",
  N: "06 00 46 40",
  O: "10 30 41 45 36 16 05 01 10",
  P: "06 00 30 41 42 33 03",
  Q: "10 30 41 45 36 16 05 01 10|24 46",
  R: "06 00 30 41 42 33 03|23 46",
  S: "41 30 10 01 02 13 33 44 45 36 16 05",
  T: "00 40|20 26",
  U: "00 05 16 36 45 40",
  V: "00 26 40",
  W: "00 16 23 36 40",
  X: "00 46|40 06",
  Y: "00 23 40|23 26",
  Z: "00 40 06 46",
  0: "10 30 41 45 36 16 05 01 10|14 32",
  1: "11 20 26|16 36",
  2: "01 10 30 41 42 06 46",
  3: "01 10 30 41 42 33 13|33 44 45 36 16 05",
  4: "36 30 04 44",
  5: "40 00 03 33 44 45 36 06",
  6: "30 10 01 05 16 36 45 44 33 03",
  7: "00 40 16",
  8: "10 30 41 42 33 13 02 01 10|13 04 05 16 36 45 44 33",
  9: "43 13 02 01 10 30 41 45 36 16",
  ".": "26 25",
  ",": "25 26 17",
  ":": "22 21|25 24",
  "-": "13 33",
  "+": "13 33|22 24",
  "/": "06 40",
  "(": "30 21 25 36",
  ")": "10 21 25 16",
  "%": "06 40|01 11|35 45",
  "=": "12 32|14 34",
  "'": "20 21",
  _: "06 46",
};

const UNKNOWN = "00 40 46 06 00";
const SMALL = 0.78;

/** Strokes of one character; a frame for one that is not drawn, none for a blank. */
export function strokesOf(character: string): readonly Stroke[] {
  if (character.trim() === "") return [];
  const capital = character.toUpperCase();
  const isSmall = capital !== character;
  const strokes = (LETTERS[capital] ?? UNKNOWN).split("|").map(parseStroke);
  return isSmall ? strokes.map((stroke) => stroke.map(([x, y]) => [x * SMALL, CAP_HEIGHT - (CAP_HEIGHT - y) * SMALL] as const)) : strokes;
}

function parseStroke(text: string): Stroke {
  return text.split(" ").map((point) => [Number(point[0]), Number(point[1])] as const);
}
