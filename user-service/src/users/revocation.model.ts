import {
  type CreationOptional,
  DataTypes,
  fn,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'

/** A row of `revocations`: tokens of a user that were issued at or before `notBefore` are refused by the gateway. */
class RevocationModel extends Model<InferAttributes<RevocationModel>, InferCreationAttributes<RevocationModel>> {
  declare userId: string
  declare notBefore: Date
  declare changedAt: CreationOptional<Date>
}
export type Revocations = ModelStatic<RevocationModel>

const { DATE, TEXT } = DataTypes
const required = <T>(type: T) => ({ type, allowNull: false })

/** The model on one connection pool. */
export const defineRevocations = (sequelize: Sequelize): Revocations => {
  class ConnectedRevocation extends RevocationModel {}
  return ConnectedRevocation.init(
    {
      userId: { type: TEXT, primaryKey: true },
      notBefore: required(DATE(3)),
      changedAt: { type: DATE(3), allowNull: false, defaultValue: fn('clock_timestamp') },
    },
    { sequelize, modelName: 'revocation', tableName: 'revocations' },
  )
}
