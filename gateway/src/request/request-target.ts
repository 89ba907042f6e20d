import { Problem } from '@clientele/platform/runtime/problem'

/** A request's address, safe to compare and to pass on: raw segments, no trailing slash; `search` with its `?` or empty. */
export type Target = { path: string; segments: string[]; search: string }

const pathCharacters = /^\/[\w\-.~!$&'()*+,;=:@%/]*$/
const searchCharacters = /^[\x21\x22\x24-\x7e]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those must not come through
const unsafe = /[/\\\x00-\x1f\x7f]/

const refuse = (detail: string): never => {
  throw new Problem('malformed', { detail })
}

const checkSegment = (segment: string): void => {
  if (segment === '') refuse('the path has an empty part')
  let decoded = segment
  if (segment.includes('%')) {
    try {
      decoded = decodeURIComponent(segment)
    } catch {
      refuse('the path is not percent-encoded UTF-8')
    }
  }
  if (decoded === '.' || decoded === '..') refuse('the path has a dot segment')
  if (unsafe.test(decoded)) refuse('the path has an encoded slash or control character')
}

/**
 * Reads a request target (RFC 9112, section 3.2). Whatever gateway and service could read differently is refused:
 * absolute form, dot segments, empty segments, encoded slashes, control characters, raw non-ASCII.
 * @throws Problem 400
 */
export const parseTarget = (url: string | undefined): Target => {
  const raw = url ?? ''
  const cut = raw.indexOf('?')
  const rawPath = cut === -1 ? raw : raw.slice(0, cut)
  const search = cut === -1 ? '' : raw.slice(cut)
  if (!pathCharacters.test(rawPath)) refuse('the path is not in origin form, or not percent-encoded')
  if (!searchCharacters.test(search)) refuse('the query string is not percent-encoded')
  if (rawPath === '/') return { path: '/', segments: [], search }
  const path = rawPath.endsWith('/') ? rawPath.slice(0, -1) : rawPath
  const segments = path.slice(1).split('/')
  for (const segment of segments) checkSegment(segment)
  return { path, segments, search }
}
