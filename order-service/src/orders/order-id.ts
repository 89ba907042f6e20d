const maxMs = 2 ** 48 - 1

/** When an order was placed: the timestamp in its id (UUIDv7, RFC 9562, section 5.7). Ids sort by this time. */
export const placedAtOf = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16))

/** The smallest id with that timestamp (milliseconds since 1970). */
export const firstIdAt = (ms: number): string => {
  const hex = Math.min(Math.max(ms, 0), maxMs).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}
