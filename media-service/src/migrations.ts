/** The migrations of the schema `media`. */
export const migrations = new URL('../migrations/', import.meta.url)
