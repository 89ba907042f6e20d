import type { MediaVariant } from '@clientele/contracts/media'

/** The folder of an image. The last characters of a UUIDv7 are random, so the folders fill evenly. */
const folderOf = (id: string): string => `${id.slice(-2)}/${id.slice(-4, -2)}`

/** The storage key of a variant, such as `3f/a2/<id>.thumb`. */
export const variantKey = (id: string, variant: MediaVariant): string => `${folderOf(id)}/${id}.${variant}`

/** The storage key of an upload in the staging area, before it is sanitised. Nothing is served from there. */
export const incomingKey = (id: string): string => `incoming/${id}`

/** The id of the image that an object belongs to; undefined for temporary objects. */
export const mediaIdOf = (key: string): string | undefined =>
  /^[0-9a-f]{2}\/[0-9a-f]{2}\/([0-9a-f-]{36})\.[a-z]+$/.exec(key)?.[1]
