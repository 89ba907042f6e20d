// Each call returns a new object, because Sequelize modifies the attributes that it gets.

/**
 * Creates the attribute of a Sequelize model for a column that is never null.
 * @example
 * const attributes = { id: primaryKey(UUID), name: required(TEXT), note: TEXT, attempts: withDefault(INTEGER, 0) }
 */
export const required = <T>(type: T) => ({ type, allowNull: false })

/** Creates the attribute for a column that is never null and has `defaultValue` in a new row. */
export const withDefault = <T, V>(type: T, defaultValue: V) => ({ ...required(type), defaultValue })

/** Creates the attribute for the primary key, or for one of its columns. */
export const primaryKey = <T>(type: T) => ({ type, primaryKey: true })
