/**
 * Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or a date.
 * @returns milliseconds from now, at most `maxMs`; null without a valid one
 */
export const parseRetryAfter = (
  header: string | string[] | undefined,
  maxMs: number,
  now = Date.now(),
): number | null => {
  if (typeof header !== 'string') return null
  const text = header.trim()
  const ms = /^\d{1,15}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  // A date without a weekday could be a number that is no time at all.
  const isValid = Number.isFinite(ms) && (/^\d+$/.test(text) || /^[A-Z][a-z]{2},/.test(text))
  return isValid ? Math.min(Math.max(ms, 0), maxMs) : null
}
