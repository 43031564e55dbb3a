/** The benchmark: what opening a shared key costs on this device. */

import type { JSX } from "preact";

import type { Row } from "../bench/measure.js";
import { benchmark, binding } from "../bench/page.js";
import { Button, Failure, Page, Panel, ProgressBar, announce } from "../parts/basics.js";
import { href } from "../state/route.js";
import { useWork } from "../state/work.js";
import { t } from "../texts/index.js";

const RUNS = 51;

export function Benchmark(): JSX.Element {
  const work = useWork(async ({ signal, progress }) => {
    const rows = await benchmark(RUNS, signal, progress);
    announce(t.common.done);
    return rows;
  });
  const label = t.benchmark.busy(Math.round((work.progress ?? 0) * 100), 100);
  return (
    <Page title={t.benchmark.title} lead={t.benchmark.lead} back={{ href: href("settings"), label: t.settings.title }}>
      <Panel>
        {work.busy ? <ProgressBar label={label} share={work.progress} onCancel={work.cancel} />
          : <div class="row"><Button kind="primary" icon="gauge" onClick={() => { void work.run(); }}>{t.benchmark.go}</Button></div>}
        <Failure error={work.error} />
        {work.result !== undefined && <Table rows={work.result} />}
        {binding === undefined && <p class="hint">{t.benchmark.absent}</p>}
      </Panel>
    </Page>
  );
}

function Table({ rows }: { rows: readonly Row[] }): JSX.Element {
  const c = t.benchmark.columns;
  return (
    <div class="table-frame" tabIndex={0} role="group" aria-label={t.benchmark.title}>
      <table>
        <thead><tr><th scope="col">{c.what}</th><th scope="col">{c.median}</th><th scope="col">{c.minimum}</th><th scope="col">{c.times}</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.operation + row.who + row.suite}>
              <th scope="row">{t.benchmark.operations[row.operation]}<span class="soft small">{row.who === "ours" ? `${t.benchmark.ours}, ${row.suite}` : t.benchmark.theirs}</span></th>
              <td class="numbers">{t.benchmark.ms(row.times.median)}{ratio(row, rows)}</td>
              <td class="numbers">{t.benchmark.ms(row.times.minimum)}</td>
              <td class="numbers">{row.times.runs}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** How many times as long as ours, for theirs. */
function ratio(row: Row, rows: readonly Row[]): JSX.Element | null {
  if (row.who === "ours") return null;
  const own = rows.find((r) => r.who === "ours" && r.suite === row.suite && r.operation === row.operation);
  return own === undefined ? null : <span class="soft small">{t.benchmark.ratio(row.times.median / own.times.median)}</span>;
}
