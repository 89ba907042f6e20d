import sharp, { type Sharp } from 'sharp'
import { type ImageFault, type ImageOutcome, type ImageTask, keptType } from './image-task.ts'

sharp.concurrency(1)
sharp.cache(false)
// Whatever is not an image of these formats never reaches a decoder: SVG, PDF, TIFF and the like can do more than show.
sharp.block({ operation: ['VipsForeignLoad'] })
const loaders = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif']
sharp.unblock({ operation: loaders.map((name) => `VipsForeignLoad${name}`) })

const timeoutSeconds = 20

const faultOf = (message: string): ImageFault => {
  if (/pixel limit/i.test(message)) return 'too_many_pixels'
  return /timeout/i.test(message) ? 'too_complex' : 'undecodable'
}

const encoders = {
  // Optimised coding would hold all of a large photo in memory for a few per cent.
  'image/jpeg': (image: Sharp) => image.jpeg({ quality: 88, optimiseCoding: false }),
  'image/png': (image: Sharp) => image.png(),
  'image/webp': (image: Sharp) => image.webp({ quality: 88, effort: 2 }),
}

/** Everything leaves here upright, in sRGB, without EXIF, GPS, comments or anything behind the image's end. */
const prepare = (image: Sharp, task: ImageTask): Sharp => {
  const upright = image.autoOrient()
  if (task.kind === 'clean') return encoders[keptType[task.type]](upright)
  const { pixels } = task
  return upright
    .resize({ width: pixels, height: pixels, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
}

/** Carries out a task on an encoded image. `data` is empty where it failed. */
export const renderImage = async (input: Buffer, task: ImageTask): Promise<{ data: Buffer; outcome: ImageOutcome }> => {
  const image = sharp(input, { limitInputPixels: task.maxPixels, failOn: 'error' }).timeout({ seconds: timeoutSeconds })
  try {
    const { data, info } = await prepare(image, task).toBuffer({ resolveWithObject: true })
    return { data, outcome: { width: info.width, height: info.height } }
  } catch (error) {
    return { data: Buffer.alloc(0), outcome: { fault: faultOf(error instanceof Error ? error.message : '') } }
  }
}
