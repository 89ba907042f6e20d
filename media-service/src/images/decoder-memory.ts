import type { Metadata } from 'sharp'

/** The most pixels of a stored image. A larger one is made smaller while it is decoded. */
export const maxStoredPixels = 40_000_000

/**
 * The memory that a decoder may use for an image. With what every image needs, the process then stays below 896 MB, the limit of
 * its container (docs/operate.md).
 */
const maxBytes = 740_000_000

type Header = Pick<
  Metadata,
  | 'format'
  | 'width'
  | 'height'
  | 'channels'
  | 'depth'
  | 'hasAlpha'
  | 'isProgressive'
  | 'chromaSubsampling'
  | 'orientation'
>

/** The bytes of each pixel that a decoder keeps. Decoders that read row by row keep none. */
const bytesPerPixel = ({ format, channels, depth, hasAlpha, isProgressive, chromaSubsampling }: Header): number => {
  const depthBytes = depth === 'ushort' ? 2 : 1
  // All coefficients, of two bytes.
  if (format === 'jpeg') return isProgressive ? 2 * (chromaSubsampling === '4:2:0' ? channels / 2 : channels) : 0
  if (format === 'png') return isProgressive ? channels * depthBytes : 0
  // Planes of the decoder and of the container, and what the encoder of WebP needs, as measured.
  if (format === 'heif') return hasAlpha || depthBytes > 1 ? 25 : 17
  return 4
}

/** Whether decoding an image would take more memory than there is, by its header. */
export const isTooLargeToDecode = (header: Header): boolean => {
  const { width, height, channels, depth, orientation = 1 } = header
  const pixels = width * height
  // An image is turned in memory, after it was made smaller.
  const turned = orientation > 1 ? Math.min(pixels, maxStoredPixels) * channels * (depth === 'ushort' ? 2 : 1) : 0
  return pixels * bytesPerPixel(header) + turned > maxBytes
}
