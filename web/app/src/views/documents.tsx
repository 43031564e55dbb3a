/** Documents: encrypting, opening, and what was here before. */

import type { CollectionInfo } from "@recrypt-service/sdk";
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Button, Empty, Failure, Notice, Page, Panel, ProgressBar, announce } from "../parts/basics.js";
import { DropZone, SelectField } from "../parts/fields.js";
import { Icon } from "../parts/icon.js";
import { Copyable, useName } from "../parts/identity.js";
import { encryptedName, save } from "../state/files.js";
import { useAccount } from "../state/model.js";
import type { Remembered } from "../state/notebook.js";
import { href } from "../state/route.js";
import { useStore } from "../state/store.js";
import { useLoaded, useWork } from "../state/work.js";
import { dayOf, sizeOf, t } from "../texts/index.js";
import { OpenPanel } from "./open.js";

export function Documents(): JSX.Element {
  const account = useAccount();
  if (account.guest) {
    return <Page title={t.link.guest} lead={t.link.guestHint}><OpenPanel /></Page>;
  }
  return (
    <Page title={t.documents.title}>
      <div class="columns">
        <EncryptPanel />
        <OpenPanel />
      </div>
      <Shelf />
    </Page>
  );
}

/** The link that is sent to who is to open a published document. Its name stays in the fragment, which no server sees. */
export function linkTo(entry: Remembered): string | undefined {
  const id = entry.url?.split("/").at(-1);
  return id === undefined ? undefined : `${location.origin}/${href("open", id, entry.name)}`;
}

/** What a collection is called. */
export function titleOf(c: Pick<CollectionInfo, "title" | "default">): string {
  return c.default || c.title === "" ? t.sharing.default : c.title;
}

function EncryptPanel(): JSX.Element {
  const account = useAccount();
  const [files, setFiles] = useState<readonly File[]>([]);
  const [collection, setCollection] = useState("");
  const [label, setLabel] = useState("");
  const changes = useStore(account.changes);
  const known = useLoaded((signal) => account.collections(signal), [changes]);
  const work = useWork(async (watch, publish: boolean) => {
    const made: Remembered[] = [];
    for (const file of files) {
      setLabel(t.documents.encrypting(file.name));
      let { document, entry } = await account.encrypt(file, collection, watch);
      if (publish) {
        setLabel(t.documents.publishing(file.name));
        entry = await account.publish(document, entry, watch);
      } else {
        save(document, encryptedName(file.name));
      }
      announce(publish ? t.documents.published(file.name) : t.documents.downloaded(file.name));
      made.push(entry);
      document = new Blob();
    }
    setFiles([]);
    return made;
  });
  const chosen = known.value?.find((c) => (collection === "" ? c.default : c.id === collection));
  const others = known.value?.filter((c) => !c.default) ?? [];
  return (
    <Panel title={t.documents.encrypt} text={t.documents.encryptText} icon="lock">
      {work.busy ? <ProgressBar label={label} share={work.progress} onCancel={work.cancel} /> : (
        <>
          <DropZone label={t.documents.drop} choose={t.documents.orChoose} multiple onFiles={(f) => { work.reset(); setFiles(f); }} />
          <Chosen files={files} />
          <SelectField label={t.documents.collection} value={collection} onValue={setCollection} hint={t.documents.readers(chosen?.readers ?? 0)}
            choices={[{ value: "", label: t.sharing.default }, ...others.map((c) => ({ value: c.id, label: titleOf(c) }))]} />
          <div class="row">
            <Button kind="primary" icon="upload" disabled={files.length === 0} onClick={() => { void work.run(true); }}>{t.documents.publish}</Button>
            <Button icon="download" disabled={files.length === 0} onClick={() => { void work.run(false); }}>{t.documents.download}</Button>
          </div>
          <p class="hint">{t.documents.publishHint}</p>
        </>
      )}
      <Failure error={work.error} />
      {work.result?.map((entry) => <Made key={entry.key} entry={entry} collection={chosen?.id ?? "default"} />)}
    </Panel>
  );
}

function Chosen({ files }: { files: readonly File[] }): JSX.Element | null {
  if (files.length === 0) return null;
  return (
    <ul class="chosen" aria-live="polite">
      {files.map((f) => <li key={f.name}><Icon name="documents" /><span class="cut">{f.name}</span><span class="soft numbers">{sizeOf(f.size)}</span></li>)}
    </ul>
  );
}

/** What was encrypted, and what to do with it. */
function Made({ entry, collection }: { entry: Remembered; collection: string }): JSX.Element {
  const link = linkTo(entry);
  return (
    <Notice kind="good" title={link === undefined ? t.documents.downloaded(entry.name) : t.documents.published(entry.name)}>
      {link !== undefined && <Copyable label={t.documents.link} text={link} short />}
      <p>{t.documents.linkHint} <a href={href("sharing", collection)}>{t.documents.share}</a></p>
    </Notice>
  );
}

/** The documents that were encrypted or opened in this browser. */
function Shelf(): JSX.Element {
  const account = useAccount();
  const documents = useStore(account.documents);
  return (
    <Panel title={t.documents.list} text={documents.length === 0 ? "" : t.documents.listEmpty.split(". ").at(-1) ?? ""}>
      {documents.length === 0
        ? <Empty icon="documents">{t.documents.listEmpty}</Empty>
        : <ul class="list">{documents.map((d) => <ShelfItem key={d.key} entry={d} />)}</ul>}
    </Panel>
  );
}

function ShelfItem({ entry }: { entry: Remembered }): JSX.Element {
  const account = useAccount();
  const name = useName();
  const link = linkTo(entry);
  const id = entry.url?.split("/").at(-1);
  const whose = entry.author === account.id ? "" : ` · ${t.documents.from(name(entry.author))}`;
  return (
    <li class="item">
      <span class="item-icon"><Icon name="documents" /></span>
      <div class="item-words">
        {id === undefined ? <span class="item-name cut">{entry.name}</span> : <a class="item-name cut" href={href("open", id, entry.name)}>{entry.name}</a>}
        <span class="soft small">{sizeOf(entry.bytes)} · {dayOf(entry.when)}{whose}{link === undefined && ` · ${t.documents.notPublished}`}</span>
      </div>
      <div class="item-actions">
        {link !== undefined && <Button kind="quiet" icon="link" onClick={() => { void navigator.clipboard.writeText(link).then(() => { announce(t.common.copied); }); }} aria-label={`${t.common.copy}: ${t.documents.link}, ${entry.name}`}>{t.common.copy}</Button>}
        <Button kind="quiet" icon="close" onClick={() => { void account.forgetDocument(entry.key); }} aria-label={`${t.documents.forget}: ${entry.name}`}><span class="unseen">{t.documents.forget}</span></Button>
      </div>
    </li>
  );
}
