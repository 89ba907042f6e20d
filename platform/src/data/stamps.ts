/** Who makes or changes a record. */
export type Author = { id: string; displayName: string }

/** The columns that say who made a record, who changed it last, and how often it was changed. */
export type Stamps = {
  createdAt: Date
  createdBy: string
  createdByName: string
  updatedAt: Date
  updatedBy: string
  updatedByName: string
  version: number
}

/** The stamps of a new record. */
export const newStamps = ({ id, displayName }: Author, at: Date = new Date()): Stamps => ({
  createdAt: at,
  createdBy: id,
  createdByName: displayName,
  updatedAt: at,
  updatedBy: id,
  updatedByName: displayName,
  version: 1,
})

/** The stamps that a change gives to a record of `version`. */
export const nextStamps = (
  { version }: Pick<Stamps, 'version'>,
  { id, displayName }: Author,
  at: Date = new Date(),
): Pick<Stamps, 'updatedAt' | 'updatedBy' | 'updatedByName' | 'version'> => ({
  updatedAt: at,
  updatedBy: id,
  updatedByName: displayName,
  version: version + 1,
})

/** Stamps as answers and events show them: times in RFC 3339, people with their names. */
export const presentStamps = (row: Stamps) => ({
  createdAt: row.createdAt.toISOString(),
  createdBy: { id: row.createdBy, displayName: row.createdByName },
  updatedAt: row.updatedAt.toISOString(),
  updatedBy: { id: row.updatedBy, displayName: row.updatedByName },
  version: row.version,
})
