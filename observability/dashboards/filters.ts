/** Matchers for what the reader chose at the top of a board. */

/** Matchers of the chosen accounts. */
export const ACCOUNTS = 'account_name=~"$account"';

/** Matchers of the chosen streams. */
export const STREAMS = `${ACCOUNTS}, stream_name=~"$stream"`;

/** Matchers of the chosen consumers. */
export const CONSUMERS = `${STREAMS}, consumer_name=~"$consumer"`;
