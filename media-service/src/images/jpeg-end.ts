// Markers (ITU-T T.81, table B.1).
const startOfImage = 0xd8
const endOfImage = 0xd9
const startOfScan = 0xda
const coefficients = 64

const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
const hasNoLength = (marker: number): boolean =>
  marker === 0x01 || marker === startOfImage || (marker >= 0xd0 && marker <= 0xd7)
const isWithinScan = (byte: number | undefined): boolean =>
  byte === 0x00 || byte === 0xff || (byte !== undefined && byte >= 0xd0 && byte <= 0xd7)

/** The offset of the next marker after the data of a scan; undefined if the file ends before. */
const endOfScan = (jpeg: Buffer, from: number): number | undefined => {
  let at = jpeg.indexOf(0xff, from)
  while (at !== -1 && isWithinScan(jpeg[at + 1])) at = jpeg.indexOf(0xff, at + 1)
  return at === -1 || at + 1 >= jpeg.length ? undefined : at
}

/** The bits that each coefficient of each component still lacks. */
type Missing = Map<number, Uint8Array>

const componentsOf = (frame: Buffer): Missing => {
  const missing: Missing = new Map()
  for (let at = 6; at + 3 <= frame.length; at += 3) missing.set(frame[at] ?? 0, new Uint8Array(coefficients).fill(1))
  return missing
}

/** Records what a scan brings: the coefficients from `first` to `last` of some components, except their lowest bits. */
const record = (scan: Buffer, missing: Missing): void => {
  const count = scan[0] ?? 0
  const [first = 0, last = 0, bits = 0] = scan.subarray(1 + 2 * count)
  for (let index = 0; index < count; index += 1)
    missing.get(scan[1 + 2 * index] ?? 0)?.fill(bits & 0x0f, first, last + 1)
}

const isComplete = (missing: Missing): boolean =>
  missing.size > 0 && [...missing.values()].every((bits) => bits.every((left) => left === 0))

/** The offset after the segment or the marker without one at `at`; undefined if the file ends before, or has no marker there. */
const endOfSegment = (jpeg: Buffer, at: number): number | undefined => {
  const marker = jpeg[at + 1]
  if (jpeg[at] !== 0xff || marker === undefined) return undefined
  // A marker may follow any number of bytes 0xff.
  if (marker === 0xff) return at + 1
  if (hasNoLength(marker)) return at + 2
  if (at + 4 > jpeg.length) return undefined
  const end = at + 2 + jpeg.readUInt16BE(at + 2)
  return end > jpeg.length ? undefined : end
}

/** Whether a file ends within the data of a scan, and has all scans. */
const endsInLastScan = (jpeg: Buffer): boolean => {
  let missing: Missing = new Map()
  let at: number | undefined = 0
  while (at !== undefined) {
    const marker: number = jpeg[at + 1] ?? 0
    const end: number | undefined = endOfSegment(jpeg, at)
    if (end === undefined || marker === endOfImage) return false
    const segment = jpeg.subarray(at + 4, end)
    if (isFrame(marker)) missing = componentsOf(segment)
    if (marker === startOfScan) record(segment, missing)
    at = marker === startOfScan ? endOfScan(jpeg, end) : end
  }
  return isComplete(missing)
}

// Not what a decoder makes up for data that are missing, which are zeros, from the first bit on.
const otherData = Buffer.alloc(1_024, 0xb6)

/**
 * Completes a JPEG that lacks its end marker, which viewers show all the same. Returns undefined for a file that has one, that
 * ends elsewhere than in the data of a scan, or in which a whole scan is missing, so that part of the picture or its details are
 * lost. Whether the data of the last scan are complete is for the decoder to find out: if they are, then it makes the same
 * picture of `completed` and of `extended`, which has more data.
 */
export const completeJpeg = (jpeg: Buffer): { completed: Buffer; extended: Buffer } | undefined => {
  if (!endsInLastScan(jpeg)) return undefined
  // Half of a marker, or of a byte of the data.
  const data = jpeg.at(-1) === 0xff ? jpeg.subarray(0, -1) : jpeg
  const end = Buffer.of(0xff, endOfImage)
  return { completed: Buffer.concat([data, end]), extended: Buffer.concat([data, otherData, end]) }
}
