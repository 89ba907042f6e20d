import type { MediaNote } from '@clientele/contracts/media'
import sharp, { type Sharp } from 'sharp'
import { isTooLargeToDecode, maxStoredPixels } from './decoder-memory.ts'
import { type HeaderReport, type ImageOutcome, type ImageTask, type RejectReason, storedType } from './image-task.ts'
import { completeJpeg } from './jpeg-end.ts'
import { isAvifSequence } from './sniff.ts'

sharp.concurrency(1)
sharp.cache(false)
// Only these formats reach a decoder. Others, such as SVG, PDF and TIFF, can contain scripts, links or further files.
sharp.block({ operation: ['VipsForeignLoad'] })
const loaders = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif']
sharp.unblock({ operation: loaders.map((name) => `VipsForeignLoad${name}`) })

const timeoutSeconds = 20

type Size = { width: number; height: number }

const isTooLarge = ({ width, height }: Size): boolean => width * height > maxStoredPixels

const reduce = (image: Sharp, { width, height }: Size): Sharp => {
  const scale = Math.sqrt(maxStoredPixels / (width * height))
  const [fitWidth, fitHeight] = [width, height].map((side) => Math.max(1, Math.floor(side * scale)))
  return image.resize({ width: fitWidth, height: fitHeight, fit: 'inside' })
}

const reasonOf = (message: string): RejectReason => {
  if (/pixel limit/i.test(message)) return 'too_many_pixels'
  return /timeout/i.test(message) ? 'too_complex' : 'undecodable'
}

const encoders = {
  // Optimised coding would keep a large photo in memory as a whole and save only a few per cent.
  'image/jpeg': (image: Sharp) => image.jpeg({ quality: 88, optimiseCoding: false }),
  'image/png': (image: Sharp) => image.png(),
  'image/webp': (image: Sharp) => image.webp({ quality: 88, effort: 2 }),
}

/**
 * Re-encodes the image: upright, in sRGB, without EXIF, GPS position, comments, and whatever follows the end of the image
 * in its file. An image of more than `maxStoredPixels` is made smaller while it is decoded.
 */
const encode = (image: Sharp, task: ImageTask, size: Size): Sharp => {
  const upright = image.autoOrient()
  if (task.kind === 'sanitise')
    return encoders[storedType[task.type]](isTooLarge(size) ? reduce(upright, size) : upright)
  const { pixels } = task
  return upright
    .resize({ width: pixels, height: pixels, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
}

type Rendered = { data: Buffer; outcome: ImageOutcome }
type OnHeader = (header: HeaderReport) => Promise<void>

const rejected = (reason: RejectReason): Rendered => ({ data: Buffer.alloc(0), outcome: { reason } })

const render = async (
  input: Buffer,
  task: ImageTask,
  { failOn, onHeader }: { failOn: 'error' | 'warning'; onHeader?: OnHeader },
): Promise<Rendered> => {
  const image = sharp(input, { limitInputPixels: task.maxPixels, failOn }).timeout({ seconds: timeoutSeconds })
  try {
    const header = await image.metadata()
    if (isTooLargeToDecode(header)) return rejected('too_complex')
    const { autoOrient: size } = header
    await onHeader?.({ pixels: size.width * size.height })
    const { data, info } = await encode(image, task, size).toBuffer({ resolveWithObject: true })
    const notes: MediaNote[] = task.kind === 'sanitise' && isTooLarge(size) ? ['reduced'] : []
    return { data, outcome: { width: info.width, height: info.height, notes } }
  } catch (error) {
    return rejected(reasonOf(error instanceof Error ? error.message : ''))
  }
}

/** Makes a decoder that knows no sequences read the first image of one. */
const asStillImage = (input: Buffer): Buffer => {
  if (isAvifSequence(input)) input.write('avif', 8, 'latin1')
  return input
}

/** Carries out a task on a JPEG that lacks only its end; undefined for any other image. */
const renderWithoutEnd = async (input: Buffer, task: ImageTask): Promise<Rendered | undefined> => {
  const jpeg = completeJpeg(input)
  if (!jpeg) return undefined
  // The decoder warns of data that end early only if they end before the last rows.
  const { data, outcome } = await render(jpeg.completed, task, { failOn: 'warning' })
  if ('reason' in outcome) return undefined
  const extended = await render(jpeg.extended, task, { failOn: 'error' })
  if (!extended.data.equals(data)) return undefined
  return { data, outcome: { ...outcome, notes: ['end_missing', ...outcome.notes] } }
}

/**
 * Carries out a task on an encoded image. `onHeader` is awaited before the image is decoded, and not called for an image with too
 * many pixels. `data` is empty if the image is rejected.
 */
export const renderImage = async (input: Buffer, task: ImageTask, onHeader: OnHeader): Promise<Rendered> => {
  const rendered = await render(asStillImage(input), task, { failOn: 'error', onHeader })
  const isDamaged = 'reason' in rendered.outcome && rendered.outcome.reason === 'undecodable'
  return (isDamaged && (await renderWithoutEnd(input, task))) || rendered
}
