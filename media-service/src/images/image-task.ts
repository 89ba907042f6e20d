import type { ImageType } from './sniff.ts'

/** What is done to an image of `bytes` bytes: `clean` makes the original that is kept, `shrink` a small WebP. */
export type ImageTask = { bytes: number; maxPixels: number } & (
  | { kind: 'clean'; type: ImageType }
  | { kind: 'shrink'; pixels: number }
)

const imageFaults = ['undecodable', 'too_many_pixels', 'too_complex'] as const
export type ImageFault = (typeof imageFaults)[number]

/** How a task ended; sides in pixels. */
export type ImageOutcome = { width: number; height: number } | { fault: ImageFault }

/** What the image worker tells when it has carried out a task; `bytes` of image follow, and with `last` it has had its time. */
export type ImageReport = ImageOutcome & { bytes: number; last: boolean }

/** AVIF takes seconds to encode where WebP takes one; of an animated GIF the first frame is the photo. */
export const keptType: Record<ImageType, 'image/jpeg' | 'image/png' | 'image/webp'> = {
  'image/jpeg': 'image/jpeg',
  'image/png': 'image/png',
  'image/webp': 'image/webp',
  'image/avif': 'image/webp',
  'image/gif': 'image/png',
}
