import sharp, { type Sharp } from 'sharp'
import { type HeaderReport, type ImageOutcome, type ImageTask, type RejectReason, storedType } from './image-task.ts'

sharp.concurrency(1)
sharp.cache(false)
// Only these formats reach a decoder. Others, such as SVG, PDF and TIFF, can contain scripts, links or further files.
sharp.block({ operation: ['VipsForeignLoad'] })
const loaders = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif']
sharp.unblock({ operation: loaders.map((name) => `VipsForeignLoad${name}`) })

const timeoutSeconds = 20

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
 * in its file.
 */
const encode = (image: Sharp, task: ImageTask): Sharp => {
  const upright = image.autoOrient()
  if (task.kind === 'sanitise') return encoders[storedType[task.type]](upright)
  const { pixels } = task
  return upright
    .resize({ width: pixels, height: pixels, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
}

/**
 * Carries out a task on an encoded image. `onHeader` is awaited before the image is decoded, and not called for an image with too
 * many pixels. `data` is empty if the image is rejected.
 */
export const renderImage = async (
  input: Buffer,
  task: ImageTask,
  onHeader: (header: HeaderReport) => Promise<void>,
): Promise<{ data: Buffer; outcome: ImageOutcome }> => {
  const image = sharp(input, { limitInputPixels: task.maxPixels, failOn: 'error' }).timeout({ seconds: timeoutSeconds })
  try {
    const { width, height } = await image.metadata()
    await onHeader({ pixels: width * height })
    const { data, info } = await encode(image, task).toBuffer({ resolveWithObject: true })
    return { data, outcome: { width: info.width, height: info.height } }
  } catch (error) {
    return { data: Buffer.alloc(0), outcome: { reason: reasonOf(error instanceof Error ? error.message : '') } }
  }
}
