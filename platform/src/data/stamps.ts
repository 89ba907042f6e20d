import { DataTypes } from 'sequelize'
import { required } from './model-attributes.ts'

/** The actor who creates or changes a record. */
export type StampActor = { id: string; displayName: string }

/** The stamps of a record: when and by whom it was created and last changed. `version` grows by one with every change. */
export type Stamps = {
  createdAt: Date
  createdBy: string
  createdByName: string
  updatedAt: Date
  updatedBy: string
  updatedByName: string
  version: number
}

/**
 * Creates the attributes of a Sequelize model for {@link Stamps}. Each call returns new objects, because Sequelize modifies the
 * attributes that it gets.
 * @example
 * const attributes = { id: primaryKey(UUID), ...stampAttributes(), deletedAt: DATE(3) }
 */
export const stampAttributes = () => ({
  createdAt: required(DataTypes.DATE(3)),
  createdBy: required(DataTypes.TEXT),
  createdByName: required(DataTypes.TEXT),
  updatedAt: required(DataTypes.DATE(3)),
  updatedBy: required(DataTypes.TEXT),
  updatedByName: required(DataTypes.TEXT),
  version: required(DataTypes.INTEGER),
})

/** Creates the stamps of a new record. */
export const newStamps = ({ id, displayName }: StampActor, at: Date = new Date()): Stamps => ({
  createdAt: at,
  createdBy: id,
  createdByName: displayName,
  updatedAt: at,
  updatedBy: id,
  updatedByName: displayName,
  version: 1,
})

/** Creates the stamps that change when a record of `version` is changed. */
export const nextStamps = (
  { version }: Pick<Stamps, 'version'>,
  { id, displayName }: StampActor,
  at: Date = new Date(),
): Pick<Stamps, 'updatedAt' | 'updatedBy' | 'updatedByName' | 'version'> => ({
  updatedAt: at,
  updatedBy: id,
  updatedByName: displayName,
  version: version + 1,
})

/** Converts stamps for responses and events: times in RFC 3339, actors with their names. */
export const presentStamps = (row: Stamps) => ({
  createdAt: row.createdAt.toISOString(),
  createdBy: { id: row.createdBy, displayName: row.createdByName },
  updatedAt: row.updatedAt.toISOString(),
  updatedBy: { id: row.updatedBy, displayName: row.updatedByName },
  version: row.version,
})
