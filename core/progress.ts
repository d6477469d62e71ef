/** How a provider operation that takes long says what it is doing. The provider host has no other channel to the user while a call runs. */

/** Environment variable that turns progress lines on when it is `1`. */
export const PROGRESS_VARIABLE = "NATSBUS_PROGRESS";

/** Start of a progress line on stderr; the rest of the line is the text. */
export const PROGRESS_PREFIX = "natsbus-progress: ";

/** Says `text` (one line, no secret) as the present step of the running operation; silent unless {@link PROGRESS_VARIABLE} is `1`. */
export function progress(text: string): void {
  if (process.env[PROGRESS_VARIABLE] !== "1") return;
  process.stderr.write(`${PROGRESS_PREFIX}${text.replaceAll(/\s+/g, " ").trim()}\n`);
}
