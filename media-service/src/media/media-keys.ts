import type { MediaVariant } from '@clientele/contracts/media'

/** Of the last characters of a UUIDv7, which are random: folders fill evenly. */
const folderOf = (id: string): string => `${id.slice(-2)}/${id.slice(-4, -2)}`

/** Where a variant is stored. */
export const variantKey = (id: string, variant: MediaVariant): string => `${folderOf(id)}/${id}.${variant}`

/** Where an upload lies until it is cleaned; nothing is ever served from there. */
export const incomingKey = (id: string): string => `incoming/${id}`

/** The media that an object belongs to; undefined for what is only there for a while. */
export const mediaIdOf = (key: string): string | undefined =>
  /^[0-9a-f]{2}\/[0-9a-f]{2}\/([0-9a-f-]{36})\.[a-z]+$/.exec(key)?.[1]
