import type { ByteRange } from '../storage/store.ts'

/**
 * Parses a `Range` header with one range of bytes (RFC 9110, section 14).
 * @returns undefined to send the whole content, because there is no header, or one that the RFC says to ignore: another unit,
 * several ranges, or a wrong syntax; `unsatisfiable` for a 416
 */
export const parseRange = (header: string | undefined, bytes: number): ByteRange | 'unsatisfiable' | undefined => {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), bytes)
    return length === 0 ? 'unsatisfiable' : { start: bytes - length, end: bytes - 1 }
  }
  if (last !== '' && Number(last) < Number(first)) return undefined
  if (Number(first) >= bytes) return 'unsatisfiable'
  return { start: Number(first), end: last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1) }
}
