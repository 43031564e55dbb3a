/** The operations of the service's log and of edges, with their types: a part of `Core`. */

import { count, Operations } from "./calls.js";
import { joinHashes, readConfirmations } from "./core_frames.js";
import { outcomes, pack, Reader, text, u8, u64, unpack } from "./frame.js";
import { Op } from "./ops.js";
import type { Checkpoint, EdgeItem, EdgeValue, LogState, OutcomeOf } from "./records.js";

/** Checkpoints, proofs, leaves, and jobs for edges. */
export class LogOperations extends Operations {
  /** Signs a checkpoint of the service's own log, or what a cosignature of it covers: 64 bytes. */
  signCheckpoint(serviceSeed: Uint8Array, service: Uint8Array, checkpoint: string): Uint8Array {
    return this.one(Op.SignCheckpoint, serviceSeed, service, text(checkpoint));
  }

  /**
   * Verifies the signatures of a checkpoint of a service's own log, and those of the witnesses
   * that are there. `Status.Mismatch` for the checkpoint of another log.
   *
   * @param note - a signed note, at most 16 KiB
   * @param witnesses - verifier keys, as in C2SP tlog-cosignature
   */
  openCheckpoint(service: Uint8Array, note: Uint8Array, witnesses: readonly string[]): Checkpoint {
    const r = this.run(Op.OpenCheckpoint, 4, [service, note, pack(...witnesses.map(text))]);
    return { size: count(r), root: r.fixed(32), time: count(r), confirmations: readConfirmations(r.bytes(), witnesses.length) };
  }

  /** Verifies that a leaf is in the tree of a state; `Status.Mismatch` if the proof does not show it. */
  verifyInclusion(leaf: Uint8Array, index: number, state: LogState, proof: readonly Uint8Array[]): void {
    this.none(Op.VerifyInclusion, leaf, u64(index), u64(state.size), state.root, joinHashes(proof));
  }

  /** Verifies that the tree of a state begins with that of an older one; `Status.Mismatch` if the proof does not show it. */
  verifyConsistency(older: LogState, newer: LogState, proof: readonly Uint8Array[]): void {
    this.none(Op.VerifyConsistency, u64(older.size), older.root, u64(newer.size), newer.root, joinHashes(proof));
  }

  /** Returns the leaf of the log for an identity, a collection record or an entry of the ledger; see `Op.LogLeaf`. */
  logLeaf(kind: number, id: Uint8Array, number: number, content: Uint8Array): Uint8Array {
    return this.one(Op.LogLeaf, u8(kind), id, u64(number), content);
  }

  /** Seals a transform job to an edge; see `Op.SealEdgeJob`. For servers. */
  sealEdgeJob(o: {
    readonly serviceSeed: Uint8Array;
    readonly service: Uint8Array;
    readonly edge: Uint8Array;
    readonly reader: Uint8Array;
    readonly expires: number;
    readonly transformKey: Uint8Array;
    readonly items: readonly EdgeItem[];
  }): Uint8Array {
    const batch = pack(...o.items.map((i) => pack(i.recordHash, i.value)));
    return this.one(Op.SealEdgeJob, o.serviceSeed, o.service, o.edge, o.reader, u64(o.expires), o.transformKey, batch);
  }

  /**
   * Opens a sealed job as the edge and transforms its values. `Status.Mismatch` for a job of another
   * service, for another edge, or one that has expired at `now`, Unix milliseconds.
   */
  runEdgeJob(edgeSeed: Uint8Array, edge: Uint8Array, service: Uint8Array, now: number, job: Uint8Array): OutcomeOf<EdgeValue>[] {
    const frame = this.one(Op.RunEdgeJob, edgeSeed, edge, service, u64(now), job);
    return outcomes(frame, unpack(frame).length).map((o) => {
      if (o.error) return o;
      const r = new Reader(o.value, 2);
      return { value: { value: r.bytes(), ticket: r.bytes() } };
    });
  }
}
