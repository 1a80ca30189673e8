// The number of a database as SELECT, MOVE and COPY read it: a C int, then a database that there is.

import { parseInt64 } from "../base/parse-integer.ts";
import { databaseCount } from "../keyspace/keyspace.ts";
import { errorFor, errors } from "../resp/errors.ts";

const int32Max = 0x7fff_ffff;
const int32Min = -0x8000_0000;

/** An index in `[0, databaseCount)`; or the text of the error to answer. */
export function readDatabaseIndex(text: string): number | string {
  const index = parseInt64(text);
  if (index === null) return errors.notAnInteger;
  if (index < int32Min || index > int32Max) return errorFor.outOfRangeBetween(int32Min, int32Max);
  return index < 0 || index >= databaseCount ? errors.databaseOutOfRange : Number(index);
}
