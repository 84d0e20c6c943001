export default function Doctor() {
  return <p>…</p>;
}
