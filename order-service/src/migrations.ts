/** The migrations of the schema `orders`. */
export const migrations = new URL('../migrations/', import.meta.url)
