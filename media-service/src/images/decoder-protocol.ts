import { z } from 'zod'
import { type ImageTask, imageNotes, rejectReasons } from './image-task.ts'
import type { ImageHeader } from './image-worker.ts'
import { imageTypes } from './sniff.ts'

// A task is a POST of its image to `path`, with the task in a header. The response has the new image, its sides and its notes (200),
// the reason why the image is rejected (422), or neither.
export const path = '/images'
export const taskHeader = 'x-image-task'
export const reasonHeader = 'x-image-reason'
export const widthHeader = 'x-image-width'
export const heightHeader = 'x-image-height'
/** The codes of the notes of the new image, separated by commas. */
export const notesHeader = 'x-image-notes'
/** How many pixels of the image were decoded, if any were. */
export const pixelsHeader = 'x-image-pixels'

const count = z.number().int().positive()
const common = { bytes: count.max(500_000_000), maxPixels: count }
const taskSchema: z.ZodType<ImageTask> = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('sanitise'), type: z.enum(imageTypes) }),
  z.strictObject({ ...common, kind: z.literal('shrink'), pixels: count }),
])

type Headers = Record<string, string | string[] | undefined>

/** The task of a request; undefined if its headers are not valid. */
export const taskIn = (headers: Headers): ImageTask | undefined => {
  try {
    const task = taskSchema.parse(JSON.parse(String(headers[taskHeader])))
    return headers['content-length'] === String(task.bytes) ? task : undefined
  } catch {
    return undefined
  }
}

const digits = z
  .string()
  .regex(/^\d{1,12}$/)
  .transform(Number)
  .pipe(count)
const notes = z
  .string()
  .transform((codes) => codes.split(','))
  .pipe(z.array(z.enum(imageNotes)).max(imageNotes.length))
  .default([])
const headerSchema = z.object({
  'content-length': digits,
  [widthHeader]: digits,
  [heightHeader]: digits,
  [notesHeader]: notes,
})

// What an image takes that is not compressed at all: four channels of 16 bits, and its header.
const maxBytesPerPixel = 8
const maxHeaderBytes = 100_000

/** The header of the image in a response. @throws Error if it is none that `task` can have as its result */
export const headerIn = (headers: Headers, task: ImageTask): ImageHeader => {
  const { 'content-length': bytes, ...parsed } = headerSchema.parse(headers)
  const { [widthHeader]: width, [heightHeader]: height } = parsed
  const fits = task.kind === 'sanitise' ? width * height <= task.maxPixels : Math.max(width, height) <= task.pixels
  if (!fits || bytes > width * height * maxBytesPerPixel + maxHeaderBytes)
    throw new Error(`the image decoder made an image of ${width} × ${height} pixels and ${bytes} bytes`)
  return { bytes, width, height, notes: parsed[notesHeader] }
}

/** The number of pixels that were decoded; none if the image was rejected before. @throws Error for more than the task allows */
export const pixelsIn = (headers: Headers, { maxPixels }: ImageTask): number | undefined =>
  headers[pixelsHeader] === undefined ? undefined : digits.pipe(z.number().max(maxPixels)).parse(headers[pixelsHeader])

const reasonSchema = z.enum(rejectReasons)

/** @throws Error if there is no known reason */
export const reasonIn = (headers: Headers) => reasonSchema.parse(headers[reasonHeader])
