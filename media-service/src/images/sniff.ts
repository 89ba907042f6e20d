/** The types that an upload may have. HEIC is not one of them (docs/adr/0053). */
export const imageTypes = ['image/jpeg', 'image/png', 'image/webp', 'image/avif', 'image/gif'] as const
export type ImageType = (typeof imageTypes)[number]

/** The number of first bytes that {@link sniff} needs. */
export const sniffBytes = 64

const text = (head: Buffer, start: number, end: number): string => head.toString('latin1', start, end)

/** The brands of an ISO base media file (ISO/IEC 14496-12); none for another file. */
const brandsOf = (head: Buffer): string[] => {
  if (head.length < 16 || text(head, 4, 8) !== 'ftyp') return []
  const end = Math.min(head.readUInt32BE(0), head.length)
  const brands = [text(head, 8, 12)]
  for (let at = 16; at + 4 <= end; at += 4) brands.push(text(head, at, at + 4))
  return brands
}

/** Whether a file is a sequence of AVIF images. Its first image is one of its own as well. */
export const isAvifSequence = (head: Buffer): boolean => brandsOf(head)[0] === 'avis'

/** Whether a file is HEIC, by its first bytes. */
export const isHeic = (head: Buffer): boolean => {
  const brands = brandsOf(head)
  return !brands.includes('avif') && brands.some((brand) => /^(?:hei[cxms]|hev[cxms])$/.test(brand))
}

/** Detects the type of an image by its first bytes; undefined for anything else. Names and headers are ignored. */
export const sniff = (head: Buffer): ImageType | undefined => {
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'image/jpeg'
  if (text(head, 0, 8) === '\x89PNG\r\n\x1a\n') return 'image/png'
  if (text(head, 0, 4) === 'RIFF' && text(head, 8, 12) === 'WEBP') return 'image/webp'
  if (/^GIF8[79]a$/.test(text(head, 0, 6))) return 'image/gif'
  return brandsOf(head).some((brand) => brand === 'avif' || brand === 'avis') ? 'image/avif' : undefined
}
