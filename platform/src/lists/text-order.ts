/**
 * Writes a text column as rows are sorted by it: in the order of ICU for all languages, the same in every database, with numbers in a
 * text by their value (`Item 2` before `Item 10`). Each schema has the collation by a migration of the platform. Indexes for such a
 * sort have it, too: `create index … (surname collate text_order, id)`.
 */
export const inTextOrder = (column: string): string => `(${column} collate text_order)`
