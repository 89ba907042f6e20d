import { createHmac, timingSafeEqual } from 'node:crypto'

/** `ttlSeconds` is how long a link works at least; `now` is in milliseconds since 1970. */
export type LinkOptions = { key: string; ttlSeconds: number; now?: number }

const base = 'http://link'
const reserved = ['expires', 'signature']

const signatureOf = (pathname: string, parameters: URLSearchParams, key: string): Buffer => {
  const signed = new URLSearchParams(parameters)
  signed.delete('signature')
  signed.sort()
  return createHmac('sha256', key).update(`${pathname}?${signed}`).digest()
}

/**
 * A link that works without a header until it expires: `path` with `expires` (seconds since 1970) and `signature`
 * (HMAC-SHA256 of path and parameters) added. The expiry lies on a grid of half the lifetime, so that a link stays the same,
 * and cacheable, for a while; it works for `ttlSeconds` to one and a half times that.
 * @param path begins with `/`; may have a query
 */
export const signLink = (path: string, { key, ttlSeconds, now = Date.now() }: LinkOptions): string => {
  const { pathname, searchParams } = new URL(path, base)
  if (reserved.some((name) => searchParams.has(name))) throw new Error('the link is signed already')
  const grid = Math.max(1, Math.floor(ttlSeconds / 2))
  searchParams.append('expires', String(Math.ceil((now / 1000 + ttlSeconds) / grid) * grid))
  const signature = signatureOf(pathname, searchParams, key).toString('base64url')
  return `${pathname}?${searchParams}&signature=${signature}`
}

/** Whether `url` (path and query, or absolute) was signed with one of `keys`, is unaltered and has not expired. */
export const verifyLink = (url: string, keys: string | readonly string[], now = Date.now()): boolean => {
  if (!URL.canParse(url, base)) return false
  const { pathname, searchParams } = new URL(url, base)
  const [signature, ...further] = searchParams.getAll('signature')
  const [expires, ...others] = searchParams.getAll('expires')
  if (signature === undefined || further.length > 0 || others.length > 0) return false
  if (expires === undefined || !/^\d{1,12}$/.test(expires)) return false
  const given = Buffer.from(signature, 'base64url')
  const isGenuine = (key: string): boolean => {
    const expected = signatureOf(pathname, searchParams, key)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
  return [keys].flat().some(isGenuine) && Number(expires) * 1000 > now
}
