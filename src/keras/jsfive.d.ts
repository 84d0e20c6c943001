/** @file The part of jsfive that is used here; the package brings no types. */
declare module 'jsfive' {
  /** What an object of the file consists of; jsfive calls it private. */
  interface DataObjects {
    find_msg_type(type: number): Map<string, number>[];
    _get_data_message_properties(
      offset: number,
    ): [version: number, dimensions: number, layout: number, properties: number];
  }
  export class Dataset {
    readonly _dataobjects: DataObjects;
    readonly attrs: Record<string, unknown>;
    readonly shape: number[];
    readonly dtype: unknown;
    readonly value: unknown;
  }
  export class Group {
    readonly attrs: Record<string, unknown>;
    readonly keys: string[];
    get(path: string): Group | Dataset | null;
  }
  export class File extends Group {
    constructor(buffer: ArrayBuffer, filename: string);
  }
}
