import type { IncomingMessage } from 'node:http'
import { Problem, preconditionFailed } from '../runtime/problem.ts'

/** The versions of which one must be the present one. Without them, any version may be changed. */
export type IfMatch = readonly number[] | undefined

const tagOfVersion = /^"(\d{1,9})(?:\.[\w-]*)?"$/

/**
 * Returns the versions in `If-Match`: `"3.q1cX", "4.x9bA"` → `[3, 4]`. It is undefined without the header or for `*`. Weak ETags are
 * left out, because they never match (RFC 9110, section 13.1.1).
 * @throws Problem 412 if no ETag can match
 */
export const parseIfMatch = (header: string | undefined): IfMatch => {
  if (header === undefined || header.trim() === '*') return undefined
  const tags = header.split(',').map((tag) => tag.trim())
  const versions = tags.flatMap((tag) => tagOfVersion.exec(tag)?.[1] ?? []).map(Number)
  if (versions.length > 0) return versions
  const hasWeak = tags.some((tag) => tag.startsWith('W/'))
  throw new Problem('precondition_failed', {
    detail: hasWeak
      ? 'If-Match has weak ETags (W/), which never match; send the version alone, such as "3"'
      : 'If-Match is not an ETag of this resource',
  })
}

/** The condition that a resource has this version; without one, any version. */
export const ifMatchOf = (version: number | undefined): IfMatch => (version === undefined ? undefined : [version])

/** What `If-None-Match: *` of a PUT becomes: no version matches, so a resource that exists is a 412. */
export const noVersion: IfMatch = []

/** Whether the header `If-None-Match: *` asks for a change only if the resource does not exist. */
export const mustNotExist = ({ headers }: IncomingMessage): boolean => headers['if-none-match']?.trim() === '*'

/** Whether a resource has none of the versions. */
export const isStale = (ifMatch: IfMatch, version: unknown): boolean =>
  ifMatch !== undefined && !ifMatch.some((each) => each === version)

/**
 * @param resource for the detail, such as `the customer`
 * @throws Problem 412 if the resource has none of the versions
 */
export const requireVersion = (resource: string, { version }: { version: number }, ifMatch: IfMatch): void => {
  if (isStale(ifMatch, version)) throw preconditionFailed(resource, { version })
}
