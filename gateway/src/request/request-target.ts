import { Problem } from '@clientele/platform/runtime/problem'

/**
 * A checked request target. Segments are not decoded, the path has no trailing slash, and `search` begins with `?` or is empty.
 */
export type Target = { path: string; segments: string[]; search: string }

const pathCharacters = /^\/[\w\-.~!$&'()*+,;=:@%/]*$/
const searchCharacters = /^[\x21\x22\x24-\x7e]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters to reject them
const unsafe = /[/\\\x00-\x1f\x7f]/

const reject = (detail: string): never => {
  throw new Problem('malformed', { detail })
}

const checkSegment = (segment: string): void => {
  if (segment === '') reject('the path has an empty segment')
  let decoded = segment
  if (segment.includes('%')) {
    try {
      decoded = decodeURIComponent(segment)
    } catch {
      reject('the path is not percent-encoded UTF-8')
    }
  }
  if (decoded === '.' || decoded === '..') reject('the path has a dot segment')
  if (unsafe.test(decoded)) reject('the path has an encoded slash, backslash or control character')
}

/**
 * Parses a request target (RFC 9112, section 3.2). It rejects everything that gateway and service could interpret differently:
 * absolute form, dot segments, empty segments, encoded slashes, control characters and raw non-ASCII characters.
 * @throws Problem 400
 */
export const parseTarget = (url: string | undefined): Target => {
  const raw = url ?? ''
  const queryStart = raw.indexOf('?')
  const rawPath = queryStart === -1 ? raw : raw.slice(0, queryStart)
  const search = queryStart === -1 ? '' : raw.slice(queryStart)
  if (!pathCharacters.test(rawPath)) reject('the path is not in origin form or not percent-encoded')
  if (!searchCharacters.test(search)) reject('the query string is not percent-encoded')
  if (rawPath === '/') return { path: '/', segments: [], search }
  const path = rawPath.endsWith('/') ? rawPath.slice(0, -1) : rawPath
  const segments = path.slice(1).split('/')
  for (const segment of segments) checkSegment(segment)
  return { path, segments, search }
}
