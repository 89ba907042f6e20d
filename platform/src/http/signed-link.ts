import { createHmac, timingSafeEqual } from 'node:crypto'

/** `ttlSeconds` is the minimum lifetime of a link; `now` is in milliseconds since 1970. */
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
 * Signs a link, so that it works without a token until it expires. Adds `expires` (seconds since 1970) and `signature`
 * (HMAC-SHA256 of path and parameters) to `path`. The expiry is rounded up to a multiple of half the lifetime, so that the same
 * link is returned, and can be cached, for a while. A link works for `ttlSeconds` to 1.5 times that.
 * @example signLink('/v1/media/7/content', { key, ttlSeconds: 3_600 }) // /v1/media/7/content?expires=1795168800&signature=…
 * @param path begins with `/` and may have a query string
 */
export const signLink = (path: string, { key, ttlSeconds, now = Date.now() }: LinkOptions): string => {
  const { pathname, searchParams } = new URL(path, base)
  if (reserved.some((name) => searchParams.has(name))) throw new Error('the link is already signed')
  const step = Math.max(1, Math.floor(ttlSeconds / 2))
  searchParams.append('expires', String(Math.ceil((now / 1000 + ttlSeconds) / step) * step))
  const signature = signatureOf(pathname, searchParams, key).toString('base64url')
  return `${pathname}?${searchParams}&signature=${signature}`
}

/** Whether `url` (absolute, or path and query) was signed with one of `keys`, is unchanged and has not expired. */
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
