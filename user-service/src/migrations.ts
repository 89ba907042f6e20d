/** The migrations of the schema `users`. */
export const migrations = new URL('../migrations/', import.meta.url)
