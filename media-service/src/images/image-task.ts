import type { MediaNote } from '@clientele/contracts/media'
import type { ImageType } from './sniff.ts'

/**
 * What the worker does with an image of `bytes` bytes. `sanitise` makes the original that is stored, `shrink` a WebP whose
 * sides are at most `pixels`.
 */
export type ImageTask = { bytes: number; maxPixels: number } & (
  | { kind: 'sanitise'; type: ImageType }
  | { kind: 'shrink'; pixels: number }
)

// Not read from the contract, so that a decoder starts with little code.
/** The codes of what an uploader should know. */
export const imageNotes = ['end_missing', 'reduced'] as const satisfies MediaNote[]

export const rejectReasons = ['undecodable', 'too_many_pixels', 'too_complex'] as const
export type RejectReason = (typeof rejectReasons)[number]

/** The result of a task: the sides of the new image in pixels and what its uploader should know, or why it is rejected. */
export type ImageOutcome = { width: number; height: number; notes: MediaNote[] } | { reason: RejectReason }

/** What the worker process reports of an image whose header it has read, before it decodes it. */
export type HeaderReport = { pixels: number }

/** What the worker process reports about a task. `bytes` of image follow. With `exits`, it does no further task. */
export type ImageReport = ImageOutcome & { bytes: number; exits: boolean }

/** The stored type by uploaded type. Encoding AVIF takes seconds, WebP one. Of an animated GIF, the first frame is stored. */
export const storedType: Record<ImageType, 'image/jpeg' | 'image/png' | 'image/webp'> = {
  'image/jpeg': 'image/jpeg',
  'image/png': 'image/png',
  'image/webp': 'image/webp',
  'image/avif': 'image/webp',
  'image/gif': 'image/png',
}
